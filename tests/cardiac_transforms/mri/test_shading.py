"""Shading: fields of zero mean log gain and stated strength; coils that fall off as a loop's field."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiac_transforms.mri.kernels.shading import coil_shading, discrete_legendre, polynomial_shading
from cardiac_transforms.mri.shading import (
    RandSurfaceCoilShading,
    RandZeroMeanBiasField,
    SurfaceCoilShading,
    ZeroMeanBiasField,
)


@settings(deadline=None, max_examples=40)
@given(size=st.integers(1, 80), degree=st.integers(0, 6))
def test_polynomials_are_orthonormal_on_the_samples(size, degree):
    rows = discrete_legendre(size, degree)
    exist = min(degree, size - 1) + 1
    torch.testing.assert_close(rows[:exist] @ rows[:exist].T / size, torch.eye(exist, dtype=torch.float64))
    assert not rows[exist:].any()


def test_on_many_samples_they_are_the_legendre_polynomials():
    position = (2 * np.arange(4000) + 1) / 4000 - 1
    for order, row in enumerate(discrete_legendre(4000, 4).numpy()):
        legendre = np.sqrt(2 * order + 1) * np.polynomial.Legendre.basis(order)(position)
        np.testing.assert_allclose(row, legendre, atol=1e-4)


@settings(deadline=None, max_examples=40)
@given(
    x=st.integers(2, 24), y=st.integers(2, 24), z=st.integers(1, 6), degree=st.integers(1, 4), seed=st.integers(0, 99)
)
def test_the_log_of_the_gain_has_mean_zero_and_the_stated_strength(x, y, z, degree, seed):
    field = RandZeroMeanBiasField(1.0, (0.3, 0.3), degree).set_random_state(seed).draw((2, x, y, z))
    log_gain = field.apply(torch.ones(2, x, y, z), None).log().double()
    assert abs(float(log_gain.mean())) < 1e-6
    assert float(log_gain.std(correction=0)) == pytest.approx(0.3, rel=1e-4)
    assert torch.equal(log_gain[0], log_gain[1])


@pytest.mark.parametrize("shape", [(1, 20, 18, 1), (1, 20, 18, 7)])
def test_the_total_degree_is_the_same_in_2d_and_3d(shape):
    field = RandZeroMeanBiasField(1.0, degree=3).set_random_state(1).draw(shape)
    orders = np.argwhere(field.coefficients)
    assert orders.sum(1).max() == 3 and orders.sum(1).min() == 1
    # a polynomial of total degree 3 has no fourth difference along any direction in plane
    log_gain = field.apply(torch.ones(shape, dtype=torch.float64), None)[0, :18, :, 0].log().numpy()
    for line in (log_gain[:, 5], log_gain[4], log_gain.diagonal()):
        assert np.abs(np.diff(line, n=4)).max() < 1e-10 < np.abs(np.diff(line, n=1)).max()


def test_the_separable_field_is_the_sum_of_its_terms():
    rng = np.random.default_rng(0)
    coefficients, image = rng.normal(size=(3, 4, 2)) * 0.1, torch.rand(2, 7, 9, 5, dtype=torch.float64)
    terms = [discrete_legendre(n, k - 1).numpy() for n, k in zip((7, 9, 5), (3, 4, 2), strict=True)]
    gain = np.exp(sum(c * np.multiply.outer(np.multiply.outer(terms[0][i], terms[1][j]), terms[2][k])
                      for (i, j, k), c in np.ndenumerate(coefficients)))  # fmt: skip
    np.testing.assert_allclose(polynomial_shading(image, torch.from_numpy(coefficients)), image * gain, rtol=1e-12)


def test_a_field_in_plane_is_the_same_in_every_slice():
    result = ZeroMeanBiasField([[0, 0.1], [0.2, 0.3]]).apply(torch.ones(1, 8, 9, 4), None)
    torch.testing.assert_close(result, result[..., :1].expand_as(result))
    torch.testing.assert_close(
        result[..., :1], ZeroMeanBiasField([[0, 0.1], [0.2, 0.3]]).apply(torch.ones(1, 8, 9, 1), None)
    )


@pytest.mark.parametrize("spacing", [(1.5, 1.5, 8.0), (1.0, 2.0, 3.0)])
def test_a_coil_falls_off_with_the_distance_in_mm_as_the_field_of_a_loop(spacing):
    shape, centre, radius = (20, 16, 5), np.array([10.0, -40.0, 5.0]), 60.0
    gain = coil_shading(torch.ones(1, *shape, dtype=torch.float64), torch.tensor(centre)[None], radius, spacing)[0]
    index = np.indices(shape) - (np.array(shape).reshape(3, 1, 1, 1) - 1) / 2
    squared = ((index * np.reshape(spacing, (3, 1, 1, 1)) - centre.reshape(3, 1, 1, 1)) ** 2).sum(0)
    loop = radius**3 / (radius**2 + squared) ** 1.5
    np.testing.assert_allclose(gain, loop / loop.mean(), rtol=1e-12)


def test_coils_combine_by_root_sum_of_squares():
    ones, mm = torch.ones(1, 12, 10, 3, dtype=torch.float64), (2.0, 2.0, 8.0)
    places = torch.tensor([[0.0, 30.0, 0.0], [-25.0, 0.0, 4.0]])
    each = [coil_shading(ones, p[None], 20.0, mm) for p in places]
    both = coil_shading(ones, places, 20.0, mm)
    # each single gain is known up to its mean: two unknown positive weights must explain all voxels
    squares = torch.stack([e.square().flatten() for e in each], 1)
    weights = torch.linalg.lstsq(squares, both.square().flatten()[:, None]).solution
    torch.testing.assert_close(squares @ weights, both.square().flatten()[:, None])
    assert (weights > 0).all()
    torch.testing.assert_close(coil_shading(ones, places[:1].expand(4, 3), 20.0, mm), each[0])


def test_coil_positions_are_shares_of_the_field_of_view():
    image = torch.ones(1, 30, 20, 4)
    coil = SurfaceCoilShading(((0.0, 0.6),), 50.0).apply(image, (1.0, 2.0, 8.0))
    torch.testing.assert_close(coil, coil_shading(image, torch.tensor([[0.0, 24.0, 0.0]]), 50.0, (1.0, 2.0, 8.0)))
    assert float(coil.mean()) == pytest.approx(1) and coil[0, 15, -1, 2] > coil[0, 15, 0, 2]
    with pytest.raises(ValueError, match="spacing"):
        SurfaceCoilShading()(torch.ones(1, 8, 8))


def test_random_coils_lie_within_their_ranges():
    coils = RandSurfaceCoilShading(1.0, (80, 90), (1, 3), (0.5, 0.6), spacing=(1, 1)).set_random_state(0)
    drawn = [coils.draw((1, 8, 8, 1)) for _ in range(40)]
    assert {len(d.positions) for d in drawn} == {1, 2, 3} and all(80 <= d.radius <= 90 for d in drawn)
    distance = np.concatenate([np.linalg.norm(d.positions[:, :2], axis=1) for d in drawn])
    assert distance.min() >= 0.5 and distance.max() <= 0.6
    assert coils(torch.ones(1, 8, 8)).shape == (1, 8, 8)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: ZeroMeanBiasField([[0.1, 0.2]]), "coefficients"),
        (lambda: ZeroMeanBiasField([0.0, 0.2]), "coefficients"),
        (lambda: RandZeroMeanBiasField(degree=0), "degree"),
        (lambda: RandZeroMeanBiasField(strength=-1), "strength"),
        (lambda: SurfaceCoilShading(positions=()), "positions"),
        (lambda: SurfaceCoilShading(radius=0), "radius"),
        (lambda: RandSurfaceCoilShading(count=(0, 2)), "count"),
    ],
)
def test_bad_arguments_are_named(make, name):
    with pytest.raises(ValueError, match=name):
        make()
