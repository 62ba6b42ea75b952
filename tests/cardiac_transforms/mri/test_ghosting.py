"""Ghosting: displacement from line to line copies the object at multiples of the field of view over the period."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.data import MetaTensor

from cardiac_transforms.mri.ghosting import Ghosting, RandGhosting
from cardiac_transforms.mri.kernels.courses import periodic


def bar(size: int = 64, width: int = 5) -> torch.Tensor:
    """A bar ``(1, 12, size, 1)`` with smooth edges along Y in the middle of the field."""
    y = torch.arange(size, dtype=torch.float64) - size // 2
    return torch.exp(-((y / width) ** 4)).expand(1, 12, size)[..., None].clone()


def test_the_oscillation_has_its_period_and_its_phase_at_the_centre():
    course = periodic(41, 7.5, 0.2)
    assert float(course[20]) == pytest.approx(math.sin(2 * math.pi * 0.2))
    torch.testing.assert_close(course[15:], course[:-15])  # two periods


@settings(deadline=None, max_examples=40)
@given(
    amplitude=st.floats(0, 10),
    period=st.floats(2, 40),
    phase=st.floats(0, 1),
    axis=st.integers(0, 1),
    size=st.tuples(st.integers(2, 20), st.integers(2, 20)),
)
def test_a_constant_image_stays_constant(amplitude, period, phase, axis, size):
    image = torch.full((1, *size, 2), 3.5)
    out = Ghosting(amplitude, period, phase, axis, spacing=(1.5, 1.2, 8))(image)
    torch.testing.assert_close(torch.as_tensor(out), image)


@settings(deadline=None, max_examples=40)
@given(amplitude=st.floats(0, 10), period=st.floats(2, 30), phase=st.floats(0, 1), seed=st.integers(0, 99))
def test_energy_is_kept(amplitude, period, phase, seed):
    image = torch.rand(1, 3, 25, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    out = Ghosting(amplitude, period, phase, 1, spacing=(1, 1, 1))(image)
    assert float(torch.as_tensor(out).square().sum()) == pytest.approx(float(image.square().sum()))


@pytest.mark.parametrize("period", [4, 8])
def test_ghosts_lie_at_multiples_of_the_field_over_the_period(period):
    image = bar(64, 2)
    out = torch.as_tensor(Ghosting(1.0, period, 0.15, 1, spacing=(1, 1, 8))(image))[0, 6, :, 0]
    copies = [(32 + 64 // period * m) % 64 for m in range(period)]
    near = torch.zeros(64, dtype=torch.bool)
    for place in copies:
        near[[(place + d) % 64 for d in range(-4, 5)]] = True
    first = (32 + 64 // period) % 64
    assert float(out[first - 3 : first + 4].max()) > 0.05  # the first ghost is seen
    if period == 4:  # between copies that are far apart there is nothing
        assert float(out[~near].max()) < 0.2 * float(out[first - 3 : first + 4].max())


def test_a_single_frequency_moves_by_what_its_two_lines_saw():
    """A wave is two lines of k-space; each is displaced by its own, and nothing new appears."""
    n, q, amplitude = 48, 5, 2.0
    y = torch.arange(n, dtype=torch.float64)
    wave = (2 + torch.cos(2 * math.pi * q * y / n)).expand(1, 4, n)[..., None]
    out = torch.as_tensor(Ghosting(amplitude, 6, 0.1, 1, spacing=(1, 1, 1))(wave))
    up, down = (amplitude * math.sin(2 * math.pi * (s * q / 6 + 0.1)) for s in (1, -1))
    expected = (
        2
        + torch.polar(torch.full((n,), 0.5, dtype=torch.float64), 2 * math.pi * q * (y - up) / n)
        + torch.polar(torch.full((n,), 0.5, dtype=torch.float64), -2 * math.pi * q * (y - down) / n)
    ).abs()
    torch.testing.assert_close(out[0, 0, :, 0], expected)


def test_ghosts_of_an_edge_grow_with_the_amplitude():
    image = bar()
    off = [
        float((torch.as_tensor(Ghosting(mm, 6, 0.1, 1, spacing=(1, 1, 1))(image)) - image).square().sum())
        for mm in (0, 0.5, 1, 2)
    ]
    assert off[0] < 1e-20 and off == sorted(off)


def test_only_the_phase_encode_axis_ghosts():
    image = bar()  # constant along X
    out = Ghosting(3.0, 6, 0.1, 0, spacing=(1, 1, 1))(image)
    torch.testing.assert_close(torch.as_tensor(out), image)


def test_the_object_stays_in_its_place():
    image = bar(64, 4)
    out = torch.as_tensor(Ghosting(1.5, 8, 0.25, 1, spacing=(1, 1, 1))(image))[0, 0, :, 0]
    assert abs(int(out.argmax()) - 32) <= 4


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**31), rms=st.floats(0.1, 6), lines=st.integers(8, 120))
def test_the_drawn_severity_is_realised_over_the_lines_and_recorded(seed, rms, lines):
    ghosts = RandGhosting(1.0, (rms, rms), phase_axes=(1,)).set_random_state(seed)
    out = ghosts(MetaTensor(torch.ones(1, 5, lines, 1), affine=np.diag([1.4, 1.4, 8, 1])))
    assert float(ghosts.drawn.displacement(lines).square().mean().sqrt()) == pytest.approx(rms)
    assert out.applied_operations[-1]["extra_info"]["rms_mm"] == pytest.approx(rms)


def test_amplitude_is_in_mm():
    image = bar()
    fine, coarse = (Ghosting(mm, 6, 0.1, 1, spacing=(1, s, 1))(image) for mm, s in ((1.0, 1.0), (2.5, 2.5)))
    torch.testing.assert_close(fine, coarse)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"amplitude_mm": -1}, "amplitude_mm"),
        ({"amplitude_mm": 1, "period": 1.5}, "period"),
        ({"amplitude_mm": 1, "phase_axis": 2}, "phase_axis"),
    ],
)
def test_bad_arguments_are_named(arguments, name):
    with pytest.raises(ValueError, match=name):
        Ghosting(**arguments)


def test_bad_random_arguments_are_named():
    with pytest.raises(ValueError, match="period"):
        RandGhosting(period=(1, 4))
    with pytest.raises(ValueError, match="period must be at least 2"):
        periodic(8, 1)
