"""Whole simulated examinations: bytes, truth, geometry, partial volume and motion."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy import ndimage
from threadpoolctl import threadpool_limits

from cardiac_transforms.mri.kernels.shots import shot_of_line
from monai_jdl.phantoms import LGECase, simulate
from monai_jdl.phantoms.acquisition import PSIR_ZERO, acquired_lines, draw_protocol
from monai_jdl.phantoms.draws import generator
from monai_jdl.phantoms.heart import PLANE, TISSUES, HeartStack, draw_heart
from monai_jdl.phantoms.lge import _phase_encode, _slab_average, slab_weights
from monai_jdl.phantoms.motion import HeartMotion, draw_motion

case = cache(simulate)
ARRAYS = ("image", "label", "occupancy", "affine", "inversion_times", "segments")


def voxel_ml(patient: LGECase) -> float:
    return abs(float(np.linalg.det(patient.affine[:3, :3]))) / 1000


def first_seed(condition) -> int:
    """The first seed whose drawn infarct fulfils ``condition``."""
    return next(s for s in range(1000) if condition(draw_heart(s, "ischaemic").lesion))


@pytest.mark.parametrize("motion_mm", [0.0, 3.0])
def test_the_same_seed_gives_the_same_bytes_whatever_the_number_of_threads(motion_mm):
    first = simulate(7, motion_mm=motion_mm)
    with threadpool_limits(2):
        second = simulate(7, motion_mm=motion_mm)
    for name in ARRAYS:
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes(), name
    assert simulate(8, motion_mm=motion_mm).image.tobytes() != first.image.tobytes()


def test_arrays_have_the_promised_types_and_shapes():
    patient = case(1)
    slices = patient.image.shape[2]
    assert patient.image.shape == patient.label.shape == (256, 256, slices) and 6 <= slices <= 15
    assert patient.image.dtype == np.int16 and patient.label.dtype == np.uint8
    assert patient.occupancy.shape == (2, 256, 256, slices) and patient.occupancy.dtype == np.float32
    assert patient.image.min() >= 0 and patient.image.max() <= 4095
    assert patient.inversion_times.shape == (slices,) and patient.slice_thickness == 8
    small = case(1, size=128)
    assert small.image.shape == (128, 128, slices) and small.spacing[0] == pytest.approx(2 * patient.spacing[0])
    assert small.volumes_ml["scar"] == pytest.approx(patient.volumes_ml["scar"], rel=0.02)


def test_a_drawn_kind_and_display_give_the_same_patient_as_when_they_are_asked_for():
    drawn = case(2)
    asked = simulate(2, kind=drawn.kind, display=drawn.display)
    assert drawn.image.tobytes() == asked.image.tobytes()
    assert {simulate(s, size=64).kind for s in (0, 4, 15)} == {"ischaemic", "nonischaemic", "normal"}


@pytest.mark.parametrize(
    "arguments",
    [{"kind": "amyloid"}, {"display": "phase"}, {"motion_mm": -1.0}, {"size": 32}],
    ids=lambda a: next(iter(a)),
)
def test_senseless_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match="must be"):
        simulate(1, **arguments)


@pytest.mark.parametrize("seed", [0, 1, 4, 12])
def test_labels_are_at_least_half_occupancy_and_volumes_agree(seed):
    patient = case(seed, kind="ischaemic")
    myocardium, scar = patient.occupancy
    assert np.array_equal(patient.label >= 2, myocardium >= 0.5)
    assert np.array_equal(patient.label >= 3, scar >= 0.5)
    assert (scar <= myocardium + 1e-5).all() and myocardium.max() <= 1 + 1e-5
    ml = voxel_ml(patient)
    # the slices leave out what lies above the first; thin scar is rarely half of a voxel
    assert float(myocardium.sum()) * ml == pytest.approx(patient.volumes_ml["myocardium"], rel=0.08)
    assert (patient.label >= 2).sum() * ml == pytest.approx(patient.volumes_ml["myocardium"], rel=0.08)
    assert float(scar.sum()) * ml == pytest.approx(patient.volumes_ml["scar"], rel=0.10, abs=0.4)
    assert (patient.label >= 3).sum() * ml < 1.1 * patient.volumes_ml["scar"] + 0.4


def test_normal_patients_have_no_scar():
    patient = case(3, kind="normal")
    assert patient.label.max() == 2 and patient.occupancy[1].max() == 0
    assert patient.scar_percent == 0 and patient.territory == "" and not patient.segments.any()


def test_obstruction_lies_in_scar_and_away_from_the_epicardium():
    seed = first_seed(lambda les: les.obstruction > 0.12 and les.size > 0.15)
    patient = case(seed, kind="ischaemic")
    core = patient.label == 4
    assert core.any() and (patient.occupancy[1][core] >= 0.5).all()
    in_plane = ndimage.generate_binary_structure(3, 1).copy()
    in_plane[:, :, [0, 2]] = False
    assert not (ndimage.binary_dilation(core, in_plane) & (patient.label == 0)).any()


@pytest.mark.parametrize(
    ("artery", "axis", "sign"), [("RCA", 2, -1), ("LCX", 0, -1), ("LAD", 1, +1)], ids=["inferior", "left", "anterior"]
)
def test_scar_lies_on_the_side_of_the_heart_that_its_artery_supplies(artery, axis, sign):
    """Through the affine, in the patient: RCA scar is below, LCX scar left, LAD scar in front of the ventricle's centre."""
    seed = first_seed(lambda les: les.name == artery and les.size > 0.08)
    patient = case(seed, kind="ischaemic")

    def centre(mask: np.ndarray) -> np.ndarray:
        index = np.argwhere(mask)
        return (patient.affine[:3, :3] @ index.mean(0) + patient.affine[:3, 3])[axis]

    slices = np.flatnonzero((patient.label >= 3).any((0, 1)))  # compare within the scar's slices
    mask = np.zeros(patient.label.shape, dtype=bool)
    mask[:, :, slices] = True
    assert sign * (centre((patient.label >= 3) & mask) - centre((patient.label >= 1) & mask)) > 5


@pytest.mark.parametrize("seed", [1, 3, 5, 8])
def test_affine_is_a_short_axis_plane_in_mm(seed):
    patient = case(seed)
    directions = patient.affine[:3, :3] / np.array(patient.spacing)
    np.testing.assert_allclose(directions.T @ directions, np.eye(3), atol=1e-9)
    area = (patient.label >= 1).sum((0, 1))
    toward_apex = patient.affine[:3, 2] * (1 if area[: area.size // 2].sum() > area[area.size // 2 :].sum() else -1)
    assert toward_apex[0] < 0 < toward_apex[1] and toward_apex[2] < 0  # the apex points left, forward and down (RAS)
    assert 8 <= patient.spacing[2] <= 10 and 1.4 <= patient.spacing[0] <= 1.8
    heart = np.argwhere(patient.label > 0).mean(0)[:2]
    assert np.all((heart > 70) & (heart < 186))


def test_slabs_average_the_signed_signal_of_their_planes():
    planes = np.arange(1.0, 41.0, PLANE)
    weights = slab_weights(np.array([10.0, 19.0]), planes, 8.0)
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(weights @ planes, [10.0, 19.0], atol=1e-5)
    # half of the slab negative, half positive: nothing is left, although each half alone is bright in magnitude
    tissue = np.zeros((len(TISSUES), planes.size, 2, 2), dtype=np.float32)
    tissue[TISSUES.index("remote"), planes < 10] = 1
    tissue[TISSUES.index("scar"), planes > 10] = 1
    stack = HeartStack(planes, (0, 0), tissue, tissue[:4], np.zeros(17), 0.0, {})
    signals = np.zeros((len(TISSUES), 2))
    signals[TISSUES.index("remote")], signals[TISSUES.index("scar")] = -0.2, 0.2
    signal, cover = np.moveaxis(_slab_average(stack, weights, signals), 1, 0)
    np.testing.assert_allclose(signal[0], 0, atol=1e-7)
    np.testing.assert_allclose(signal[1], 0.2, atol=1e-6)
    np.testing.assert_allclose(cover, 1, atol=1e-6)


def test_air_is_rayleigh_in_magnitude_and_symmetric_about_the_zero_in_psir():
    magnitude, psir = (case(9, kind="normal", display=d) for d in ("magnitude", "psir"))
    assert np.array_equal(magnitude.label, psir.label)
    corner = np.s_[:24, :24]  # beside the shoulder
    air = magnitude.image[corner].astype(float)
    assert air.mean() / air.std() == pytest.approx(np.sqrt(np.pi / (4 - np.pi)), rel=0.05)
    assert air.mean() == pytest.approx(magnitude.noise_sd * np.sqrt(np.pi / 2), rel=0.05)
    air = psir.image[corner].astype(float)
    assert air.mean() == pytest.approx(PSIR_ZERO, abs=0.1 * psir.noise_sd)
    assert air.std() == pytest.approx(psir.noise_sd, rel=0.05)
    assert psir.rescale_intercept == -PSIR_ZERO and magnitude.rescale_intercept == 0


def test_motion_and_display_leave_anatomy_truth_and_protocol_alone():
    still = case(10, kind="ischaemic")
    for other in (case(10, kind="ischaemic", motion_mm=4.0), simulate(10, kind="ischaemic", display="psir")):
        for name in ("label", "occupancy", "affine", "inversion_times"):
            assert getattr(other, name).tobytes() == getattr(still, name).tobytes(), name
        assert other.volumes_ml == still.volumes_ml


def test_vanishing_motion_gives_the_still_image_by_the_other_path():
    still, nearly = case(10, kind="ischaemic"), simulate(10, kind="ischaemic", motion_mm=1e-9)
    difference = np.abs(nearly.image.astype(int) - still.image)
    assert difference.max() <= 1 and difference.mean() < 0.01


def test_motion_spoils_the_heart_and_its_ghosts_but_not_the_chest_beside_it():
    still, moved = (simulate(10, kind="ischaemic", motion_mm=m).image.astype(float) for m in (0.0, 4.0))
    moved *= np.median(still[still > 0]) / np.median(moved[still > 0])
    change = np.abs(moved - still)
    label = case(10, kind="ischaemic").label
    columns = (label > 0).any((1, 2))
    heart = change[label > 0].mean()
    beside = (
        change[: np.flatnonzero(columns)[0] - 90].mean() if np.flatnonzero(columns)[0] > 100 else change[-40:].mean()
    )
    assert heart > 5 * beside


@pytest.mark.parametrize("order", ["interleaved", "sequential"])
def test_a_heart_displaced_alike_in_all_shots_is_acquired_at_its_new_place(order):
    """Two pixels along x and one back along y roll the picture; 9 mm towards the apex bring in the slice before."""
    rng = np.random.default_rng(0)
    planes, heights = np.arange(1.0, 61.0, PLANE), np.array([10.0, 19.0, 28.0, 37.0])
    protocol = replace(draw_protocol(rng, "psir", 64), lines=60, partial_fourier=0.8)
    tissue = np.zeros((len(TISSUES), planes.size, 30, 24), dtype=np.float32)
    tissue[TISSUES.index("scar"), :, 6:20, 5:17] = rng.random((planes.size, 14, 12))
    stack = HeartStack(planes, (11, 20), tissue, tissue[:4], np.zeros(17), 0.0, {})
    signals, chest = np.ones((len(TISSUES), 4)), np.zeros((4, 64, 64), dtype=np.float32)
    shot = shot_of_line(int(acquired_lines(protocol).sum()), 5, order)

    def acquire(displacement_mm: tuple[float, float, float] | None) -> np.ndarray:
        motion = displacement_mm and HeartMotion(shot, np.tile(displacement_mm, (5, 4, 1)), np.ones((5, 4)))
        lines = _phase_encode(chest, stack, signals, heights, np.ones_like(chest), protocol, motion)
        return np.fft.ifft(np.pad(lines * acquired_lines(protocol), ((0, 0), (0, 0), (2, 2))), axis=2)

    still = acquire(None)
    assert np.abs(still).max() > 0.01
    rolled = np.roll(acquire((2 * protocol.pixel, -protocol.pixel, 0.0)), -2, axis=1)
    ramp = np.exp(2j * np.pi * (np.arange(64) - 32) / 64)  # one pixel back, in the spectrum's terms
    np.testing.assert_allclose(np.fft.fft(rolled), np.fft.fft(still) * ramp, atol=1e-5)
    np.testing.assert_allclose(acquire((0.0, 0.0, 9.0))[1:], still[:-1], atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("motion_mm", [0.5, 2.0, 8.0])
def test_the_requested_displacement_is_realised(seed, motion_mm):
    protocol = draw_protocol(np.random.default_rng(seed), "magnitude", 256)
    axes = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
    motion = draw_motion(generator(seed, "motion"), protocol, 10, axes, motion_mm)
    assert motion.rms == pytest.approx(motion_mm, rel=1e-6 if motion_mm < 3 else 0.08)
    assert motion.shot.numel() == pytest.approx(protocol.lines * protocol.partial_fourier, abs=1)
    lines_per_shot = np.bincount(motion.shot.numpy())
    assert lines_per_shot.max() <= protocol.lines_per_shot and len(lines_per_shot) == motion.displacement.shape[0]


def test_the_report_of_motion_is_the_simulated_one():
    assert case(10, kind="ischaemic", motion_mm=4.0).realised_motion_mm == pytest.approx(4.0, rel=0.05)
    assert case(10, kind="ischaemic").realised_motion_mm == 0
