from __future__ import annotations

import numpy as np
import pytest

from cardiac_transforms.ecg.reading.phase import BLOCK, cut_blocks, follow_phase, lattice

SHAPE = (512, 640)
WEIGHTS = np.array([1.0, 1, 1, 1, 2, 0.5, 0, 0, 0, 0])


def millimetres(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return 0.2 * x + 0.01 * y + 2e-5 * (x - 300) * (y - 200) + 0.7


def signal(noise: float = 0.5) -> np.ndarray:
    y, x = np.indices(SHAPE, dtype=float)
    u = millimetres(x, y)
    lines = sum(np.cos(2 * np.pi * u * order / 5) * w for order, w in zip(range(1, 11), WEIGHTS, strict=True))
    return (lines + np.random.default_rng(0).normal(0, noise, SHAPE)).astype(np.float32)


def setting(rough_error: np.ndarray | float):
    xs, ys = lattice(SHAPE)
    x, y = np.meshgrid(xs, ys)
    true = millimetres(x, y)
    seed = np.hypot(x - 320, y - 250) < 2 * BLOCK
    return true, true + rough_error * (1 + 0 * x), np.ones_like(seed), seed


@pytest.mark.parametrize("shift", [0.0, 0.4, -1.7, 2.4, 13.1])
def test_any_constant_error_of_the_rough_map_is_removed(shift):
    true, rough, near, seed = setting(shift)
    found = follow_phase(cut_blocks(signal()), rough, WEIGHTS, near, seed)
    assert found is not None
    assert found.known.all()
    difference = found.millimetres - true
    difference -= 5 * np.round(np.median(difference) / 5)
    assert np.abs(difference).max() < 0.05


def test_a_rough_map_that_is_two_percent_too_wide_and_bent_is_mended():
    true, _, near, seed = setting(0.0)
    y, x = np.indices(true.shape) * BLOCK
    rough = true * 1.02 + 1.5 * (x / 640) ** 2 - y * 1e-3
    found = follow_phase(cut_blocks(signal()), rough, WEIGHTS, near, seed)
    assert found is not None
    difference = found.millimetres - true
    difference -= 5 * np.round(np.median(difference) / 5)
    assert np.sqrt((difference**2).mean()) < 0.05


def test_lines_are_clear_where_they_are_and_followed_only_where_they_may_be():
    _true, rough, near, seed = setting(0.0)
    picture = signal()
    picture[:, 480:] = np.random.default_rng(1).normal(0, 1, (512, 160))
    found = follow_phase(cut_blocks(picture), rough, WEIGHTS, near, seed)
    assert found is not None
    assert found.known[:, :13].all()
    assert np.median(found.clear[:, :13]) > 0.95
    assert np.median(found.clear[:, 17:]) < 0.75
    near = near & (np.arange(20) < 10)
    held = follow_phase(cut_blocks(signal()), rough, WEIGHTS, near, seed & near)
    assert held is not None
    assert np.array_equal(held.known, near)


def test_noise_holds_nothing_together():
    _, rough, near, seed = setting(0.0)
    noise = np.random.default_rng(2).normal(0, 1, SHAPE).astype(np.float32)
    found = follow_phase(cut_blocks(noise), rough, WEIGHTS, near, seed)
    assert found is None or np.median(found.clear[found.known]) < 0.8


def test_blocks_lie_where_the_lattice_says():
    xs, ys = lattice(SHAPE)
    y, x = np.indices(SHAPE, dtype=float)
    assert np.allclose(cut_blocks(x).mean(axis=(2, 3)), np.broadcast_to(xs, (16, 20)))
    assert np.allclose(cut_blocks(y).mean(axis=(2, 3)), np.broadcast_to(ys[:, None], (16, 20)))
