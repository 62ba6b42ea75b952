"""Twins: one patient, one scar map, two examinations."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from monai_jdl.phantoms import TwinCase, simulate, simulate_ecg, simulate_twin
from monai_jdl.phantoms.draws import generator
from monai_jdl.phantoms.ecg.geometry import SEGMENT_SHARE
from monai_jdl.phantoms.ecg.patient import draw_patient


@cache
def twin(seed: int, kind: str = "ischaemic") -> TwinCase:
    return simulate_twin(seed, kind=kind, size=64)


def test_both_examinations_tell_the_same_truth():
    for seed in range(4):
        both = twin(seed)
        np.testing.assert_array_equal(both.ecg.segments, both.lge.segments)
        assert both.ecg.scar_percent == both.lge.scar_percent > 0
        assert both.ecg.cavity_ml == both.lge.volumes_ml["cavity"]
        assert (both.ecg.seed, both.ecg.kind) == (both.lge.seed, both.lge.kind)
        assert both.ecg.heart_rate == pytest.approx(60000 / both.lge.rr)
        # what is drawn in the images agrees with the number in the ECG's truth; the slices leave out part of the base
        myocardium, scar = both.lge.occupancy.sum((1, 2, 3))
        assert 100 * scar / myocardium == pytest.approx(both.ecg.scar_percent, abs=1.5)


def test_the_stack_is_the_one_of_the_lge_phantom_alone():
    both = simulate_twin(7, kind="ischaemic", motion_mm=2.0, display="psir", size=64)
    alone = simulate(7, kind="ischaemic", motion_mm=2.0, display="psir", size=64)
    assert both.lge.image.tobytes() == alone.image.tobytes()
    assert both.ecg.signals.tobytes() == simulate_twin(7, kind="ischaemic", size=64).ecg.signals.tobytes()


def test_without_scar_no_lead_changes():
    both = twin(3, "normal")
    assert both.lge.scar_percent == 0 and not both.ecg.scar and both.ecg.changed_leads == ()


def test_the_heart_points_the_same_way_in_both():
    """The ECG's long axis is the slice normal of the stack (RAS to left, inferior, posterior)."""
    for seed in range(4):
        both = twin(seed)
        normal = -both.lge.affine[:3, [2]].ravel()[[0, 2, 1]]
        normal *= np.sign(normal[0]) / np.linalg.norm(normal)  # towards the apex: left
        patient = draw_patient(seed, "ischaemic", both.lge.segments, None, None, None)
        np.testing.assert_allclose(patient.axes[2], normal, atol=1e-6)


def test_the_light_scar_map_of_the_ecg_alone_is_close_to_the_images_one():
    """Same lesion on a smooth instead of an uneven wall."""
    difference = []
    for seed in range(8):
        both = twin(seed)
        alone = simulate_ecg(seed, kind="ischaemic")
        difference.append(np.abs(alone.segments - both.lge.segments).max())
        assert alone.segments @ SEGMENT_SHARE == pytest.approx(both.lge.segments @ SEGMENT_SHARE, abs=0.025)
    assert np.median(difference) < 0.15 and max(difference) < 0.4


def test_a_large_cavity_goes_with_a_low_ejection_fraction():
    """Over the twins' own draws, in patients whose stacks need not be simulated for it."""
    patients = [draw_patient(s, "normal", np.zeros(17), "normal", None, None) for s in range(300)]
    cavity, lvef = np.array([(p.cavity_ml, p.lvef) for p in patients]).T
    assert lvef[cavity < np.quantile(cavity, 0.2)].mean() - lvef[cavity > np.quantile(cavity, 0.8)].mean() > 8
    volumes = [
        (twin(s).ecg.cavity_ml, draw_patient(s, "ischaemic", None, None, None, None).cavity_ml) for s in range(8)
    ]
    assert np.corrcoef(np.array(volumes).T)[0, 1] > 0.9


def test_drawn_kinds_are_those_of_the_ecg():
    assert simulate_twin(1, size=64).ecg.kind == simulate_ecg(1).kind


def test_generators_are_named():
    with pytest.raises(ValueError):
        generator(1, "horoscope")
