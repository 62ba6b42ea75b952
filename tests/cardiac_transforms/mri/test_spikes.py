"""Spikes: one k-space sample and nothing else, in proportion to the image."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiac_transforms.mri.kernels.spikes import add_spikes
from cardiac_transforms.mri.spikes import KSpaceSpikes, RandKSpaceSpikes


def random_image(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@settings(deadline=None, max_examples=40)
@given(
    x=st.integers(2, 17),
    y=st.integers(2, 17),
    spikes=st.lists(
        st.tuples(st.integers(-8, 8), st.integers(-8, 8), st.floats(0, 2), st.floats(-4, 4)), max_size=3, min_size=1
    ),
)
def test_spikes_are_single_samples_added_to_the_spectrum_of_each_slice(x, y, spikes):
    image = random_image(2, x, y, 3)
    spectrum = np.fft.fft2(image.numpy(), axes=(1, 2))
    centre = spectrum[:, 0, 0].copy()
    for kx, ky, share, phase in spikes:
        spectrum[:, kx % x, ky % y] += share * centre * np.exp(1j * phase)
    lines, share, phase = (
        torch.tensor([s[:2] for s in spikes]),
        *torch.tensor([s[2:] for s in spikes], dtype=torch.float64).T,
    )
    expected = np.abs(np.fft.ifft2(spectrum, axes=(1, 2)))
    np.testing.assert_allclose(add_spikes(image, lines, share, phase), expected, atol=1e-12)


def test_one_spike_on_a_uniform_object_is_a_wave_of_the_stated_size_and_period():
    result = KSpaceSpikes(((0.125, 0.0),), 0.5).apply(torch.full((1, 32, 5, 2), 4.0), None)
    angle = 2 * math.pi * torch.arange(32) / 8
    expected = 4 * torch.sqrt((1 + 0.5 * angle.cos()) ** 2 + (0.5 * angle.sin()) ** 2)
    torch.testing.assert_close(result, expected[None, :, None, None].expand(1, 32, 5, 2))


@pytest.mark.parametrize("scale", [1e-3, 180.0])
def test_the_result_scales_with_the_image(scale):
    image, spikes = random_image(1, 20, 15, 3), KSpaceSpikes(((0.2, 0.3), (-0.1, 0.4)), (0.5, 1.0), (0.3, 2.0))
    torch.testing.assert_close(spikes.apply(scale * image, None), scale * spikes.apply(image, None))


def test_no_intensity_is_the_identity_and_a_stack_is_its_slices_one_by_one():
    image = random_image(1, 9, 12, 4)
    torch.testing.assert_close(KSpaceSpikes(intensity=0.0).apply(image, None), image)
    alone = torch.cat([KSpaceSpikes().apply(image[..., z : z + 1], None) for z in range(4)], -1)
    torch.testing.assert_close(KSpaceSpikes().apply(image, None), alone)


def test_only_the_named_slices_are_hit():
    image = random_image(1, 9, 12, 4)
    result = KSpaceSpikes(slices=[2]).apply(image, None)
    changed = (result - image).abs().amax((0, 1, 2)) > 1e-3
    assert changed.tolist() == [False, False, True, False]
    assert torch.equal(result[..., 2], KSpaceSpikes().apply(image, None)[..., 2])
    with pytest.raises(ValueError, match="slices"):
        KSpaceSpikes(slices=[4]).apply(image, None)


def test_random_spikes_lie_within_their_ranges():
    spikes = RandKSpaceSpikes(1.0, (0.2, 0.4), (1, 3), (0.1, 0.3), one_slice=True).set_random_state(0)
    drawn = [spikes.draw((1, 16, 16, 5)) for _ in range(60)]
    assert {len(d.positions) for d in drawn} == {1, 2, 3}
    assert {d.slices[0] for d in drawn} == set(range(5))
    distance = np.concatenate([np.linalg.norm(d.positions, axis=1) for d in drawn])
    assert 0.1 <= distance.min() and distance.max() <= 0.3 and np.ptp(distance) > 0.15
    assert all(((d.intensity >= 0.2) & (d.intensity <= 0.4)).all() for d in drawn)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"positions": (0.1, 0.2)}, "positions"),
        ({"positions": ((0.1, 0.7),)}, "positions"),
        ({"intensity": -1.0}, "intensity"),
        ({"intensity": (1.0, 1.0)}, "intensity"),
        ({"phases": float("nan")}, "phases"),
    ],
)
def test_bad_arguments_are_named(arguments, name):
    with pytest.raises(ValueError, match=name):
        KSpaceSpikes(**arguments)
