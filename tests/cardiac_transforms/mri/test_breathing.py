"""Breathing: courses follow their formulas, every line sees the heart at its own time, labels still fit."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.data import MetaTensor

from cardiac_transforms.mri.breathing import BreathingMotion, BreathingMotiond, RandBreathingMotion
from cardiac_transforms.mri.kernels.courses import breath_hold_drift, breathing, failed_breath_hold
from cardiac_transforms.mri.kernels.shots import ORDERS, time_of_line

SPACING = (1.5, 2.0, 8.0)


def spot(nx: int = 40, ny: int = 36, nz: int = 1, width: float = 3.0) -> torch.Tensor:
    """A smooth spot ``(1, X, Y, Z)`` off the centre, negligible at the border."""
    x, y = torch.meshgrid(torch.arange(nx, dtype=torch.float64), torch.arange(ny, dtype=torch.float64), indexing="ij")
    plane = torch.exp(-((x - 0.45 * nx) ** 2 + (y - 0.55 * ny) ** 2) / (2 * width**2))
    return plane[None, ..., None].repeat(1, 1, 1, nz)


def wall(size: int = 96) -> torch.Tensor:
    """A bright ring about a grey disc ``(1, size, size, 1)`` off the centre, 24 voxels wide."""
    x = torch.arange(size, dtype=torch.float64)
    r = torch.hypot(x[:, None] - 0.45 * size, x[None] - 0.55 * size)
    return (torch.sigmoid((12 - r) / 0.7) * (0.3 + 0.7 * torch.sigmoid((r - 7) / 0.7)))[None, ..., None]


def centroid(image: torch.Tensor) -> np.ndarray:
    """Centre of mass along X and Y in mm."""
    plane = torch.as_tensor(image)[0, :, :, 0]
    x, y = (torch.arange(n, dtype=plane.dtype) for n in plane.shape)
    return np.array([float(plane.sum(1) @ x), float(plane.sum(0) @ y)]) / float(plane.sum()) * SPACING[:2]


def registered(image: torch.Tensor, still: torch.Tensor) -> np.ndarray:
    """Shift in voxels at which ``image`` fits ``still`` best: peak of the correlation, with a parabola through it."""
    moved, fixed = (torch.fft.fft2(torch.as_tensor(t)[0, :, :, 0] - t.mean()) for t in (image, still))
    peak = torch.fft.fftshift(torch.fft.ifft2(moved * fixed.conj()).real).numpy()
    top = np.array(np.unravel_index(peak.argmax(), peak.shape))
    shift = []
    for step in np.eye(2, dtype=int):
        below, at, above = (peak[tuple(top + k * step)] for k in (-1, 0, 1))
        shift.append((above - below) / (2 * (2 * at - above - below)))
    return top - np.array(peak.shape) // 2 + shift


def test_drift_relaxes_towards_its_distance():
    time = torch.tensor([0.0, 5.0, 10.0, 1e4], dtype=torch.float64)
    expected = [4 * (1 - math.exp(-t / 10)) for t in time.tolist()]
    assert breath_hold_drift(time, 4.0, 10.0).tolist() == pytest.approx(expected)


@pytest.mark.parametrize("exponent", [1, 2, 3])
def test_breathing_is_lujans_curve(exponent):
    time = torch.linspace(0, 12, 60, dtype=torch.float64)
    # z0 - b cos^2n(pi t / tau - phi), from end inspiration at t = 0: at phase 0.5 our curve is b cos^2n(pi t / tau)
    expected = 9 * np.cos(math.pi * time.numpy() / 4) ** (2 * exponent)
    assert breathing(time, 9.0, 4.0, exponent, phase=0.5).numpy() == pytest.approx(expected)
    assert breathing(time + 4, 9.0, 4.0, exponent).numpy() == pytest.approx(breathing(time, 9.0, 4.0, exponent).numpy())


def test_larger_exponents_rest_longer_at_end_expiration():
    time = torch.linspace(0, 4, 401, dtype=torch.float64)
    resting = [int((breathing(time, 1.0, 4.0, n) < 0.1).sum()) for n in (1, 2, 3)]
    assert resting == sorted(resting) and resting[0] < resting[2]


def test_a_failed_breath_hold_is_still_until_it_fails_and_then_breathes():
    time = torch.linspace(0, 20, 201, dtype=torch.float64)
    mm = failed_breath_hold(time, 8.0, 10.0, 4.0)
    assert not mm[time <= 8].any()
    assert mm[time > 8].numpy() == pytest.approx(breathing(time[time > 8] - 8, 10.0, 4.0).numpy())
    assert float(mm.max()) == pytest.approx(10)


@pytest.mark.parametrize("order", ORDERS)
def test_every_line_sees_the_course_at_its_own_time(order):
    moving = BreathingMotion([0.0, 2.0, 10.0], order=order, shots=5, anchor=False)
    time = time_of_line(31, 5, order).numpy()
    expected = np.where(time < 0.5, 4 * time, 16 * time - 6)
    assert moving.displacement(31).numpy() == pytest.approx(expected)


@pytest.mark.parametrize("order", ["sequential", "centric"])
def test_a_failed_breath_hold_leaves_the_early_lines_alone(order):
    time = torch.linspace(0, 1, 101, dtype=torch.float64)
    course = failed_breath_hold(time, 0.6, 12.0, 0.2).numpy()
    moving = BreathingMotion(course, (0, 1), 1, order, shots=6, anchor=False, spacing=SPACING)
    early = time_of_line(41, 6, order) <= 0.6
    assert not moving.displacement(41)[early].any() and moving.displacement(41)[~early].abs().max() > 5


@pytest.mark.parametrize("phase_axis", [0, 1])
@pytest.mark.parametrize("direction", [(1, 0), (0, -3), (1, 1)])
def test_a_constant_displacement_is_that_shift_in_mm(phase_axis, direction):
    still = spot()
    moved = BreathingMotion([6.0], direction, phase_axis, anchor=False, spacing=SPACING)(still)
    travelled = centroid(moved) - centroid(still)
    assert travelled == pytest.approx(6 * np.array(direction) / np.hypot(*direction), abs=0.02)


def test_a_constant_displacement_is_no_motion_when_anchored():
    still = spot()
    moving = BreathingMotion([6.0, 6.0], spacing=SPACING)
    torch.testing.assert_close(torch.as_tensor(moving(still)), still)
    assert moving.severity()["rms_mm"] == 0


@pytest.mark.parametrize("order", ["sequential", "interleaved", "segmented"])
@pytest.mark.parametrize(("kind", "voxels"), [("drift", 0.8), ("breathing", 0.8), ("failed", 1.5)])
def test_labels_still_fit_when_the_centre_is_anchored(order, kind, voxels):
    still, off = wall(), []
    for seed in range(8):
        moving = RandBreathingMotion(1, (3, 3), [kind], orders=[order], shots=(8, 8), spacing=(1, 1, 8))
        off.append(np.hypot(*registered(moving.set_random_state(seed)(still), still)))
    # of 3 voxels; a few lines far away, as after a failed breath-hold, draw the mean pose off the one that is seen
    assert np.median(off) < voxels


@pytest.mark.parametrize("order", ["sequential", "segmented"])
def test_without_anchor_the_heart_appears_where_the_centre_of_kspace_saw_it(order):
    still = wall()
    course = np.linspace(0, 8, 50)  # at the centre of k-space: half of it, or in the mean of all shots
    free = BreathingMotion(course, (1, 0), 1, order, 8, anchor=False, spacing=(1, 1, 8))(still)
    assert registered(free, still) == pytest.approx([4, 0], abs=0.6)


def test_motion_blurs_edges_and_a_stack_equals_its_slices():
    still = torch.cat([wall(), wall().flip(1)], dim=3)
    moving = BreathingMotion(np.linspace(0, 12, 9), (1, 1), 0, "sequential", spacing=SPACING)
    stack = torch.as_tensor(moving(still))
    assert stack.diff(dim=1).abs().max() < 0.8 * still.diff(dim=1).abs().max()
    for z in (0, 1):
        torch.testing.assert_close(torch.as_tensor(moving(still[..., z : z + 1])), stack[..., z : z + 1])


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**31), lines=st.integers(12, 90), rms=st.floats(0.1, 6), anchor=st.booleans())
def test_the_drawn_severity_is_realised_over_the_lines_and_recorded(seed, lines, rms, anchor):
    moving = RandBreathingMotion(1.0, (rms, rms), phase_axes=(0,), anchor=anchor).set_random_state(seed)
    image = MetaTensor(torch.ones(1, lines, 8, 1), affine=np.diag([*SPACING, 1.0]))
    record = moving(image).applied_operations[-1]["extra_info"]
    applied = moving.drawn.displacement(lines)
    assert float(applied.square().mean().sqrt()) == pytest.approx(rms, rel=1e-6)
    assert record["rms_mm"] == pytest.approx(rms, rel=1e-6)


def test_nothing_drawn_is_recorded_as_no_motion():
    image = MetaTensor(torch.ones(1, 8, 8, 1))
    assert RandBreathingMotion(0.0)(image).applied_operations[-1]["extra_info"] == {"rms_mm": 0.0}


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"course": []}, "course"),
        ({"course": [math.nan]}, "course"),
        ({"course": [1], "direction": (0, 0)}, "direction"),
        ({"course": [1], "phase_axis": 2}, "phase_axis"),
        ({"course": [1], "order": "spiral"}, "order"),
        ({"course": [1], "shots": 0}, "shots"),
    ],
)
def test_bad_arguments_are_named(arguments, name):
    with pytest.raises(ValueError, match=name):
        BreathingMotion(**arguments)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [({"kinds": "drift"}, "kinds"), ({"orders": ["spiral"]}, "orders"), ({"phase_axes": ()}, "phase_axes")],
)
def test_bad_random_arguments_are_named(arguments, name):
    with pytest.raises(ValueError, match=name):
        RandBreathingMotion(**arguments)


def test_missing_spacing_is_named():
    with pytest.raises(ValueError, match="spacing"):
        BreathingMotiond("image", [1.0])({"image": torch.ones(1, 8, 8)})
