"""Incomplete k-space: what is cut off, what is kept, and agreement with a plain Fourier transform."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiac_transforms.mri.coverage import GibbsRinging, PartialFourier, RandGibbsRinging, RandPartialFourier
from cardiac_transforms.mri.kernels.coverage import central_band, central_kspace, filter_lines, one_sided_kspace


def random_image(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@settings(deadline=None, max_examples=40)
@given(size=st.integers(1, 70), fraction=st.floats(0.02, 1))
def test_the_band_is_as_wide_as_asked_and_keeps_zero_frequency(size, fraction):
    share = central_band(size, fraction * size)
    mirrored = share[1:] if size % 2 else share[1:-1]
    assert share[0] == 1 and (share.diff() <= 0).all()
    assert float(share.sum() + mirrored.sum()) == pytest.approx(max(1, fraction * size))


@pytest.mark.parametrize(("size", "fraction"), [(16, 0.5), (16, 0.75), (16, 0.55), (15, 0.6), (15, 7 / 15)])
def test_gibbs_keeps_the_central_lines_of_the_full_fourier_transform(size, fraction):
    image = random_image(2, 5, size, 3)
    frequency = np.abs(np.fft.fftfreq(size, 1 / size))
    weight = np.clip(fraction * size / 2 - frequency + 0.5, 0, 1)  # an edge line on either side counts by its share
    full = np.fft.ifft(np.fft.fft(image.numpy(), axis=2) * weight[:, None], axis=2)
    assert np.abs(full.imag).max() < 1e-12
    np.testing.assert_allclose(central_kspace(image, [fraction], [2]), np.abs(full.real), atol=1e-12)


def test_gibbs_overshoots_an_edge_by_the_wilbraham_gibbs_constant():
    edge = torch.zeros(1, 1024, 1, 1, dtype=torch.float64)
    edge[:, 256:768] = 1
    overshoot = float(filter_lines(edge, central_band(1024, 128), 1).max()) - 1
    si = sum((-1) ** k * math.pi ** (2 * k + 1) / ((2 * k + 1) * math.factorial(2 * k + 1)) for k in range(20))
    assert overshoot == pytest.approx(si / math.pi - 0.5, abs=2e-3)  # 8.95 % of the step


@pytest.mark.parametrize("axis", [1, 2])
@pytest.mark.parametrize(("size", "fraction"), [(16, 0.75), (16, 0.5), (15, 0.7), (15, 0.8)])
def test_partial_fourier_is_the_magnitude_of_the_zero_filled_spectrum(axis, size, fraction):
    image = random_image(2, size, 6, 3).transpose(1, axis)
    line = np.fft.fftfreq(size, 1 / size)
    half = (fraction - 0.5) * size
    weight = np.where(line >= 0, 1, np.clip(half + line + 0.5, 0, 1))
    if size % 2 == 0:
        weight[size // 2] = 0.5 * (1 + np.clip(2 * (half - size / 2 + 0.5), 0, 1))
    weight = weight.reshape(-1, *[1] * (3 - axis))
    full = np.fft.ifft(np.fft.fft(image.numpy(), axis=axis) * weight, axis=axis)
    np.testing.assert_allclose(one_sided_kspace(image, fraction, axis), np.abs(full), atol=1e-12)


@settings(deadline=None, max_examples=40)
@given(
    x=st.integers(1, 20), y=st.integers(1, 20), z=st.integers(1, 4), fraction=st.floats(0.5, 1), axis=st.integers(0, 1)
)
def test_partial_fourier_of_any_size_loses_only_energy(x, y, z, fraction, axis):
    image = random_image(1, x, y, z)
    result = PartialFourier(fraction, axis).apply(image, None)
    lost = image.square().sum() - result.square().sum()
    assert result.shape == image.shape and lost >= -1e-9
    changed = torch.ones(1, x, y, z, dtype=torch.float64)
    torch.testing.assert_close(PartialFourier(fraction, axis).apply(changed, None), changed)


@pytest.mark.parametrize("shape", [(1, 12, 9, 4), (2, 7, 8, 1)])
def test_full_coverage_is_the_identity_and_almost_full_nearly_so(shape):
    image = random_image(*shape)
    for transform in (PartialFourier(1.0, 0), PartialFourier(1.0, 1), GibbsRinging(1.0, (0, 1, 2))):
        assert torch.equal(transform.apply(image, None), image)
    for transform in (PartialFourier(1 - 1e-9, 1), GibbsRinging(1 - 1e-9, (0, 1, 2))):
        torch.testing.assert_close(transform.apply(image, None), image, atol=1e-7, rtol=0)


def test_a_constant_image_stays_constant_however_little_is_read():
    image = torch.full((1, 9, 10, 5), 3.0)
    for transform in (PartialFourier(0.5), GibbsRinging(1e-6, (0, 1, 2))):
        torch.testing.assert_close(transform.apply(image, None), image)


def test_a_stack_is_its_slices_one_by_one_unless_z_is_cut():
    image = random_image(1, 14, 11, 6)
    for transform in (PartialFourier(0.6, 1), GibbsRinging((0.5, 0.7))):
        alone = torch.cat([transform.apply(image[..., z : z + 1], None) for z in range(6)], -1)
        torch.testing.assert_close(transform.apply(image, None), alone)
    assert (GibbsRinging(0.5, (2,)).apply(image, None) - image).abs().max() > 0.1


def test_each_axis_has_its_own_fraction():
    image = random_image(1, 12, 12, 1)
    both = GibbsRinging((0.4, 1.0)).apply(image, None)
    assert torch.equal(both, GibbsRinging(0.4, (0,)).apply(image, None))
    assert torch.equal(GibbsRinging((0.4, 1.0), (1, 0)).apply(image, None), GibbsRinging(0.4, (1,)).apply(image, None))


def test_random_forms_draw_within_their_ranges_and_use_every_axis():
    partial = RandPartialFourier(1.0, (0.6, 0.7)).set_random_state(0)
    drawn = [partial.draw((1, 8, 8, 1)) for _ in range(30)]
    assert {d.phase_axis for d in drawn} == {0, 1} and all(0.6 <= d.fraction <= 0.7 for d in drawn)
    each = RandGibbsRinging(1.0, (0.3, 0.5), (0, 1, 2)).set_random_state(0).draw((1, 8, 8, 8))
    assert each.axes == (0, 1, 2) and len(set(each.fractions)) == 3 and all(0.3 <= f <= 0.5 for f in each.fractions)
    one = RandGibbsRinging(1.0, axes=(0, 2), one_axis=True).set_random_state(0)
    assert {one.draw((1, 8, 8, 8)).axes for _ in range(30)} == {(0,), (2,)}


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: PartialFourier(0.4), "fraction"),
        (lambda: PartialFourier(phase_axis=2), "phase_axis"),
        (lambda: RandPartialFourier(fraction=(0.2, 0.8)), "fraction"),
        (lambda: RandPartialFourier(phase_axes=()), "phase_axes"),
        (lambda: GibbsRinging(0.0), "fraction"),
        (lambda: GibbsRinging((0.5, 0.5, 0.5)), "fraction"),
        (lambda: GibbsRinging(axes=(0, 0)), "axes"),
        (lambda: RandGibbsRinging(axes=(3,)), "axes"),
    ],
)
def test_bad_arguments_are_named(make, name):
    with pytest.raises(ValueError, match=name):
        make()
