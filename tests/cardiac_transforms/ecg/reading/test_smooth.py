from __future__ import annotations

import numpy as np
import pytest

from cardiac_transforms.ecg.reading.smooth import Polynomial2D, local_planes

SHAPE = (300, 500)


@pytest.fixture
def points() -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 1, (200, 2)) * [500, 300]


def bent(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return 3 + 0.2 * x - 0.1 * y + 2e-4 * x * y - 1e-4 * x**2 + 3e-7 * y**3


def test_a_polynomial_is_found_from_its_values(points):
    polynomial = Polynomial2D(SHAPE, 3)
    polynomial.fit(polynomial.values(points), bent(*points.T), np.ones(200), 10.0)
    xs, ys = np.linspace(0, 499, 7), np.linspace(0, 299, 5)
    assert np.allclose(polynomial.grid(xs, ys), bent(*np.meshgrid(xs, ys)), atol=0.05)


def test_a_fifth_of_outliers_hardly_moves_it(points):
    target = bent(*points.T)
    target[::5] += 40
    polynomial = Polynomial2D(SHAPE, 3)
    polynomial.fit(polynomial.values(points), target, np.ones(200), 0.5)
    xs, ys = np.linspace(50, 449, 7), np.linspace(50, 249, 5)
    assert np.abs(polynomial.grid(xs, ys) - bent(*np.meshgrid(xs, ys))).max() < 0.3


def test_slopes_are_the_derivatives_of_the_values(points):
    polynomial = Polynomial2D(SHAPE, 4)
    along = [
        (polynomial.values(points + step) - polynomial.values(points - step)) / 2e-3 for step in ([1e-3, 0], [0, 1e-3])
    ]
    assert np.allclose(polynomial.slopes(points), along, atol=1e-6)


def test_a_polynomial_is_found_from_its_slopes(points):
    polynomial = Polynomial2D(SHAPE, 3)
    x, y = points.T
    slopes = np.concatenate([0.2 + 2e-4 * y - 2e-4 * x, -0.1 + 2e-4 * x + 9e-7 * y**2])
    polynomial.fit(np.concatenate(list(polynomial.slopes(points))), slopes, np.ones(400), 1.0)
    xs, ys = np.linspace(0, 499, 7), np.linspace(0, 299, 5)
    difference = polynomial.grid(xs, ys) - bent(*np.meshgrid(xs, ys))
    assert np.ptp(difference) < 0.3  # the constant is not in the slopes


def test_local_planes_equal_a_weighted_fit_at_every_place():
    rng = np.random.default_rng(1)
    values, weights, sigma = rng.normal(size=(7, 9)), rng.uniform(0, 1, (7, 9)) * (rng.random((7, 9)) > 0.3), 1.2
    expected = np.empty((7, 9))
    for row, column in np.ndindex(7, 9):
        dy, dx = (a - b for a, b in zip(np.indices((7, 9)), (row, column), strict=True))
        near = (np.abs(dx) <= 4) & (np.abs(dy) <= 4)
        weight = (weights * np.exp(-0.5 * (dx**2 + dy**2) / sigma**2) * near).ravel()
        design = np.stack([np.ones(63), dx.ravel(), dy.ravel()], axis=1)
        normal = design.T @ (design * weight[:, None]) + np.diag([1e-9, sigma**2, sigma**2])
        expected[row, column] = np.linalg.solve(normal, design.T @ (weight * values.ravel()))[0]
    assert np.allclose(local_planes(values, weights, sigma), expected, atol=1e-6)


def test_values_without_weight_do_not_matter():
    values, weights = np.full((6, 6), 2.0), np.ones((6, 6))
    values[2, 3], weights[2, 3] = np.nan, 0
    assert np.allclose(local_planes(values, weights, 1.0), 2.0)
    assert (local_planes(values, np.zeros((6, 6)), 1.0) == 0).all()
