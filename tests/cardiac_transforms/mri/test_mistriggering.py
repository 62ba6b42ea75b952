"""Mistriggering: lines of affected shots stem from another cardiac phase; contraction keeps the wall's area."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.data import MetaTensor

from cardiac_transforms.mri import mistriggering
from cardiac_transforms.mri.kernels.contraction import contract, wall_of_mask
from cardiac_transforms.mri.kernels.frames import mix_frames
from cardiac_transforms.mri.kernels.shots import ORDERS, compose_kspace, shot_of_line
from cardiac_transforms.mri.mistriggering import Mistriggering, Mistriggeringd, RandMistriggering

SPACING = (1.0, 1.25, 8.0)
CENTRE, INNER, OUTER = (52.0, 40.0), 18.0, 27.0


def radius(nx: int = 110, ny: int = 90) -> torch.Tensor:
    """Distance in mm from ``CENTRE``, ``(X, Y)``."""
    x, y = (torch.arange(n, dtype=torch.float64) for n in (nx, ny))
    return torch.hypot((x[:, None] - CENTRE[0]) * SPACING[0], (y[None] - CENTRE[1]) * SPACING[1])


def ring(edge: float = 0.5) -> torch.Tensor:
    """Smooth-edged myocardium ``(1, X, Y, 1)``, 1 in the wall."""
    r = radius()
    return (torch.sigmoid((r - INNER) / edge) * torch.sigmoid((OUTER - r) / edge))[None, ..., None]


def contracted(image: torch.Tensor, mm: float) -> torch.Tensor:
    one = torch.ones(image.shape[3], dtype=torch.float64)
    centre = torch.tensor(CENTRE, dtype=torch.float64).expand(image.shape[3], 2)
    return contract(image, centre, INNER * one, OUTER * one, mm * one, SPACING[:2])


def random_image(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(1, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("axis", [1, 2])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("shape", [(20, 17, 2), (15, 22, 1)])
def test_mixed_frames_are_the_composed_kspace(axis, order, shape):
    """Against the direct discrete Fourier transform of every shot's lines."""
    frames = torch.stack([random_image(*shape, seed=s) for s in range(3)])
    shot = shot_of_line(shape[axis - 1], 3, order)
    kspace = torch.fft.ifftshift(compose_kspace(frames, shot, axis), dim=axis)
    expected = torch.fft.ifft(kspace, dim=axis, norm="ortho").abs()
    torch.testing.assert_close(mix_frames(iter(frames), shot, axis), expected)


def test_frames_that_do_not_fit_are_refused():
    frame = torch.ones(1, 6, 5, 1)
    with pytest.raises(ValueError, match="axis"):
        mix_frames([frame], torch.zeros(6).long(), 3)
    with pytest.raises(ValueError, match="frame_of_line"):
        mix_frames([frame], torch.zeros(5).long(), 1)
    with pytest.raises(ValueError, match="there are 1 frames"):
        mix_frames([frame], torch.ones(6).long(), 1)


def test_no_contraction_is_the_identity():
    image = random_image(110, 90, 2)
    assert torch.equal(contracted(image, 0.0), image)
    torch.testing.assert_close(contracted(ring(), 1e-6), ring(), atol=1e-4, rtol=0)


@pytest.mark.parametrize("mm", [2.0, 5.0, 9.0])
def test_the_inner_wall_moves_inwards_by_the_stated_mm_and_the_wall_keeps_its_area(mm):
    after = contracted(ring(), mm)[0, :, :, 0]
    r = radius()
    inner = INNER - mm
    outer = math.sqrt(OUTER**2 - INNER**2 + inner**2)
    # half of the wall's brightness is passed at the new radii, in every direction
    for low, high in ((inner - 1.5, inner - 0.6), (outer + 0.9, outer + 2)):
        assert float(after[(r > low) & (r < high)].max()) < 0.5
    assert float(after[(r > inner + 0.7) & (r < outer - 0.9)].min()) > 0.5
    came_from = contracted(r[None, ..., None], mm)
    area = [float(((t > INNER) & (t < OUTER)).sum()) for t in (r, came_from)]
    assert area[1] == pytest.approx(area[0], rel=0.01)


def test_nothing_moves_beyond_twice_the_outer_radius():
    image = random_image(150, 130, 1)
    after = contracted(image, 8.0)
    far = radius(150, 130) > 2 * OUTER
    assert far.any() and torch.equal(after[0, far], image[0, far])
    assert not torch.equal(after, image)


@settings(deadline=None, max_examples=30)
@given(mm=st.floats(0.5, 14), angle=st.floats(0, 6.28))
def test_contraction_folds_nothing(mm, angle):
    """A ramp of radius stays increasing along every ray."""
    r = radius()[None, ..., None]
    after = contracted(r, mm)[0, :, :, 0]
    steps = np.arange(2, 36)
    x = np.rint(CENTRE[0] + steps * math.cos(angle) / SPACING[0]).astype(int)
    y = np.rint(CENTRE[1] + steps * math.sin(angle) / SPACING[1]).astype(int)
    before, values = r[0, x, y, 0], after[x, y]
    assert bool((values[before.argsort()].diff() > -0.1).all()) and bool((values >= before - 0.1).all())


def test_the_wall_is_found_in_the_mask_slice_by_slice():
    r = radius()
    mask = torch.stack([(r > INNER) & (r < OUTER), r < OUTER, torch.zeros_like(r, dtype=torch.bool)], dim=-1)[None]
    centre, inner, outer = wall_of_mask(mask, SPACING[:2])
    assert centre[:2].numpy() == pytest.approx(np.array([CENTRE, CENTRE]), abs=0.05)
    assert inner[:2].tolist() == pytest.approx([INNER, OUTER * 2 / 3], abs=0.3)
    assert outer[:2].tolist() == pytest.approx([OUTER, OUTER], abs=0.3)
    assert bool(inner[2].isnan())
    image = random_image(110, 90, 3)
    after = contract(image, centre, inner, outer, (0.5 * inner), SPACING[:2])
    assert torch.equal(after[..., 2], image[..., 2]) and not torch.equal(after[..., 0], image[..., 0])


def test_a_thick_or_missing_part_of_the_wall_moves_its_centre_less_than_the_centroid():
    r = radius()
    x = torch.arange(110)[:, None].expand_as(r)
    for wall in ((r > INNER) & (r < OUTER + 6 * (x < 40)), (r > INNER) & (r < OUTER) & (x < 60)):
        centre, _, _ = wall_of_mask(wall[None, ..., None], SPACING[:2])
        off, of_centroid = (
            float(torch.dist(c, torch.tensor(CENTRE, dtype=torch.float64)))
            for c in (centre[0], torch.nonzero(wall).double().mean(0))
        )
        assert off < min(3, 0.6 * of_centroid)  # voxels


def test_a_mask_of_few_voxels_has_finite_radii():
    mask = torch.zeros(1, 12, 12, 3)
    mask[0, 4, 5, 0] = 1
    mask[0, 4, 2:9, 1] = 1
    centre, inner, outer = wall_of_mask(mask, (1.0, 1.0))
    assert centre[:2].numpy() == pytest.approx(np.array([[4, 5], [4, 5]]), abs=1e-6)
    assert bool((inner[:2] > 0).all()) and bool((inner[:2] < outer[:2]).all()) and bool(outer[2].isnan())


def test_a_ventricle_outside_the_field_leaves_the_image_alone():
    image = random_image(12, 12, 1)
    far = torch.tensor([[500.0, 500.0]])
    assert torch.equal(
        contract(image, far, torch.tensor([9.0]), torch.tensor([12.0]), torch.tensor([3.0]), (1, 1)), image
    )


def test_a_wall_cannot_pass_the_centre():
    with pytest.raises(ValueError, match="inward"):
        contracted(ring(), INNER)


@pytest.mark.parametrize("phase_axis", [0, 1])
def test_two_identical_frames_give_the_identity(phase_axis):
    image = random_image(21, 26, 2)
    out = Mistriggering([0, 3, 0, 0, 5], phase_axis)(image, frame=image)
    torch.testing.assert_close(torch.as_tensor(out), image)


def test_a_triggered_heart_is_left_alone():
    image = random_image(30, 20, 2)
    moving = Mistriggering(np.zeros(6))
    torch.testing.assert_close(torch.as_tensor(moving(image)), image)
    assert moving.severity() == {"rms_mm": 0, "affected": 0}


@pytest.mark.parametrize("order", ORDERS)
def test_the_shots_of_the_kspace_centre_stay_in_phase_when_anchored(order):
    image, other = random_image(16, 25, 1), 5 * random_image(16, 25, 1, seed=1)
    every = np.full(5, 4.0)
    anchored = Mistriggering(every, 1, order)
    held = anchored.contraction_of_line(25) == 0
    shot = shot_of_line(25, 5, order)
    assert torch.equal(held, torch.isin(shot, shot[11:14])) and not held.all()
    free = Mistriggering(every, 1, order, anchor=False)
    torch.testing.assert_close(torch.as_tensor(free(image, frame=other)), other)


def test_labels_still_fit_when_anchored_with_contiguous_lines():
    """The wall stays where the k-space centre saw it, half way up its edges."""
    still = ring(1.0)
    out = torch.as_tensor(Mistriggering([0, 6, 0, 0, 6, 0], 1, "sequential", spacing=SPACING)(still, mask=ring() > 0.5))
    overlap = (out > 0.5) & (still > 0.5)
    dice = 2 * float(overlap.sum()) / float((out > 0.5).sum() + (still > 0.5).sum())
    assert 0.9 < dice < 1


def test_the_record_counts_the_lines():
    image = MetaTensor(torch.ones(1, 12, 40, 1), affine=np.diag([*SPACING, 1.0]))
    moving = Mistriggering([0, 0, 3, 4], 1, "sequential", anchor=False)
    by_model = moving(image).applied_operations[-1]["extra_info"]
    assert by_model["affected"] == pytest.approx(0.5)
    assert by_model["rms_mm"] == pytest.approx(math.sqrt((9 + 16) / 4))
    by_frame = moving(image, frame=image).applied_operations[-1]["extra_info"]
    assert by_frame == {"rms_mm": 0, "affected": pytest.approx(0.5)}


def test_every_shot_contracts_by_its_own():
    """Shots of different strength equal their frames, composed."""
    image, mask = random_image(110, 90, 1), ring() > 0.5
    moving = Mistriggering([0, 2, 0, 6, 4], 0, "sequential", anchor=False, spacing=SPACING)
    centre, inner, outer = wall_of_mask(mask, SPACING[:2])
    frames = [contract(image, centre, inner, outer, 0 * inner + mm, SPACING[:2]) for mm in (0, 2, 0, 6, 4)]
    expected = mix_frames(frames, shot_of_line(110, 5, "sequential"), 1)
    torch.testing.assert_close(torch.as_tensor(moving(image, mask=mask)), expected)


@pytest.mark.parametrize("companion", ["frame", "mask", None])
def test_a_stack_is_its_slices_one_by_one(companion, monkeypatch):
    """However many slices are worked on at a time; the wall lies elsewhere in each, and one has none."""
    image = random_image(64, 60, 5)
    small = (radius(64, 60) - 7).abs() < 2
    walls = [torch.roll(small, (z - 22, -10), (0, 1)) & (z != 2) for z in range(5)]
    given = {"frame": random_image(64, 60, 5, seed=1), "mask": torch.stack(walls, -1)[None]}
    given = {companion: given[companion]} if companion else {}
    moving = Mistriggering([0, 2, 0, 6, 4], anchor=False, spacing=SPACING)
    one_by_one = [
        torch.as_tensor(moving(image[..., z : z + 1], **{k: v[..., z : z + 1] for k, v in given.items()}))
        for z in range(5)
    ]
    for slices in (2, 5):
        monkeypatch.setattr(mistriggering, "BLOCK", slices * 64 * 60)
        out = torch.as_tensor(moving(image, **given))
        torch.testing.assert_close(out, torch.cat(one_by_one, -1))


def test_without_mask_the_ventricle_is_in_the_middle():
    image = random_image(90, 80, 1)
    moving = Mistriggering([8.0], radius_mm=10, anchor=False, spacing=(1, 1, 8))
    out = torch.as_tensor(moving(image))
    x, y = torch.arange(90.0) - 44.5, torch.arange(80.0) - 39.5
    moved = torch.hypot(x[:, None], y[None]) < 2 * 20
    torch.testing.assert_close(out[0, ~moved], image[0, ~moved])
    assert not torch.allclose(out[0, 35:55, 30:50], image[0, 35:55, 30:50], atol=0.1)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**31), kind=st.sampled_from(["mistriggering", "arrhythmia"]), lines=st.integers(1, 60))
def test_draws_stay_within_their_ranges(seed, kind, lines):
    drawn = RandMistriggering(1, (2, 6), (1, 3), [kind], phase_axes=(1,), shots=(5, 9)).set_random_state(seed)
    drawn = drawn.draw((1, 8, lines, 3))
    mm = drawn.contraction_mm[drawn.contraction_mm > 0]
    assert len(drawn.contraction_mm) <= max(lines, 1) and len(mm) <= 3
    assert (mm <= 6).all() and (len(mm) >= 1 or lines < 5)
    assert len(np.unique(mm)) <= 1 or kind == "arrhythmia"
    central = shot_of_line(lines, len(drawn.contraction_mm), drawn.order)[max(lines // 2 - 1, 0) : lines // 2 + 2]
    assert not drawn.contraction_mm[central].any()


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"contraction_mm": []}, "contraction_mm"),
        ({"contraction_mm": [-1]}, "contraction_mm"),
        ({"contraction_mm": [1], "phase_axis": 2}, "phase_axis"),
        ({"contraction_mm": [1], "order": "spiral"}, "order"),
        ({"contraction_mm": [1], "radius_mm": 0}, "radius_mm"),
    ],
)
def test_bad_arguments_are_named(arguments, name):
    with pytest.raises(ValueError, match=name):
        Mistriggering(**arguments)


def test_bad_random_arguments_and_frames_are_named():
    with pytest.raises(ValueError, match="kinds"):
        RandMistriggering(kinds=["late"])
    with pytest.raises(ValueError, match="shots"):
        RandMistriggering(shots=(1, 4))
    image = torch.ones(1, 8, 8, 1)
    with pytest.raises(ValueError, match="frame"):
        Mistriggering([0, 2])(image, frame=torch.ones(2, 8, 8, 1))
    with pytest.raises(ValueError, match="spacing"):
        Mistriggering([0, 2], anchor=False)(image)


def test_the_dictionary_takes_frame_and_mask_by_key():
    data = {"ed": random_image(20, 20, 1), "es": random_image(20, 20, 1, seed=1)}
    out = Mistriggeringd("ed", [0, 3, 0, 0], frame_key="es")(data)
    expected = Mistriggering([0, 3, 0, 0])(data["ed"], frame=data["es"])
    torch.testing.assert_close(out["ed"], expected)
    assert out["es"] is data["es"]
