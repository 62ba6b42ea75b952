"""Geometry, waves, torso, scar map and clinical features by themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_jdl.phantoms.draws import generator
from monai_jdl.phantoms.ecg import torso, waves
from monai_jdl.phantoms.ecg.beat import EXTENT, draw_beat
from monai_jdl.phantoms.ecg.clinical import draw_clinical
from monai_jdl.phantoms.ecg.geometry import SEGMENT_SHARE, heart_axes, segment_normals
from monai_jdl.phantoms.ecg.noise import electrode_noise
from monai_jdl.phantoms.ecg.patient import draw_patient
from monai_jdl.phantoms.ecg.scar_map import segments_of
from monai_jdl.phantoms.scar import draw_lesion
from monai_jdl.phantoms.ventricle import draw_ventricle

AXES = heart_axes(np.array([0.62, 0.50, -0.60]))
LEFT, INFERIOR, POSTERIOR = np.eye(3)


def test_the_seeds_of_the_lge_phantom_keep_their_meaning():
    for number, subject in enumerate(
        ("protocol", "anatomy", "scar", "tissue", "thorax", "chest", "coil", "noise", "motion")
    ):
        assert generator(5, subject).random() == np.random.default_rng([5, number]).random()


def test_walls_face_where_anatomy_says():
    np.testing.assert_allclose(AXES @ AXES.T, np.eye(3), atol=1e-12)
    normals = segment_normals(AXES)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1)
    wall = {name: normals[np.array(k) - 1].mean(0) for name, k in {
        "anterior": (1, 7), "septal": (2, 3, 8, 9), "inferior": (4, 10), "lateral": (5, 6, 11, 12),
    }.items()}  # fmt: skip
    assert wall["inferior"] @ INFERIOR > 0.8 and wall["anterior"] @ INFERIOR < -0.7
    assert wall["lateral"] @ LEFT > 0.5 and wall["lateral"] @ POSTERIOR > 0.4
    assert wall["septal"] @ LEFT < -0.4 and wall["septal"] @ POSTERIOR < -0.4
    np.testing.assert_allclose(normals[16], AXES[2], atol=1e-12)  # the apex
    assert SEGMENT_SHARE.sum() == pytest.approx(1) and SEGMENT_SHARE[16] < 0.05 < SEGMENT_SHARE[0]


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    segment=st.integers(0, 16),
    less=st.floats(0.15, 0.8),
    more=st.floats(0.05, 0.2),
    rest=st.floats(0.15, 0.3),  # enough for fragmentation to be equally likely with less and more
)
def test_more_scar_in_a_segment_moves_the_early_vector_further_away_from_it(seed, segment, less, more, rest):
    def toward(amount: float) -> float:
        segments = np.full(17, rest)
        segments[segment] = amount
        patient = draw_patient(seed, "ischaemic", segments, "normal", 50.0, 100.0)
        beat = draw_beat(patient, torso.DOWER, None)
        early = np.linspace(-0.045, 0.010, 100) * beat.lost.width[0] / 0.0105  # the same part of the complex
        return float(beat.qrs(early).mean(0) @ segment_normals(patient.axes)[segment])

    assert toward(less + more) < toward(less) - 1e-6


def test_extent_is_where_a_single_gaussian_crosses_the_level():
    wave = waves.Waves(np.array([0.1]), np.array([0.01]), np.array([[1.0, 0, 0]]))
    half = 0.01 * np.sqrt(-2 * np.log(0.05))
    np.testing.assert_allclose(wave.extent(0.05), (0.1 - half, 0.1, 0.1 + half), atol=2e-4)
    np.testing.assert_allclose(wave.stretched(2.0).extent(0.05)[2], 0.2 + 2 * half, atol=2e-4)
    t = np.arange(0, 0.3, 1e-4)
    np.testing.assert_allclose(waves.QRS.area, np.trapezoid(waves.QRS(t - 0.15), t, axis=0), atol=1e-6)


def test_sameni_through_dower_is_a_normal_ecg():
    """The published tables give R and S of V1, and R of V4 and V6, of +0.42, -0.84, 1.70 and 1.19 mV."""
    electrodes = torso.electrode_matrix(torso.DOWER)
    qrs = torso.leads_of(electrodes @ waves.QRS(np.arange(-0.1, 0.1, 0.001)).T)
    np.testing.assert_allclose(
        [qrs[6].max(), qrs[6].min(), qrs[9].max(), qrs[11].max()], [0.42, -0.84, 1.70, 1.19], atol=0.08
    )
    t_wave = torso.leads_of(electrodes @ waves.T(np.arange(0.15, 0.4, 0.001)).T)
    assert (t_wave[6:].max(1) > -t_wave[6:].min(1)).all()


def test_leads_of_electrodes_are_those_of_the_dower_matrix():
    dipole = np.random.default_rng(0).normal(size=(3, 20))
    leads = torso.leads_of(torso.electrode_matrix(torso.DOWER) @ dipole)
    np.testing.assert_allclose(leads[[6, 7, 8, 9, 10, 11, 0, 1]], torso.DOWER @ dipole, atol=torso.QUANTUM)
    # a potential common to all electrodes is in no lead
    common = torso.leads_of(torso.electrode_matrix(torso.DOWER) @ dipole + 3.0)
    np.testing.assert_allclose(common, leads, atol=2 * torso.QUANTUM)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("conduction", ["normal", "LBBB", "RBBB"])
def test_a_beat_has_the_duration_of_its_patient(seed, conduction):
    patient = draw_patient(seed, "ischaemic", None, conduction, None, 140.0)
    beat = draw_beat(patient, torso.DOWER, None)
    onset, peak, end = beat.qrs.extent(EXTENT)
    assert 1000 * (end - onset) == pytest.approx(140, abs=1) and onset < peak < end
    assert beat.p.extent(0.1)[2] < onset + 0.01


@pytest.mark.parametrize("seed", range(12))
def test_the_scar_map_holds_the_drawn_mass_and_lies_in_its_territory(seed):
    ventricle = draw_ventricle(generator(seed, "anatomy"), True)
    lesion = draw_lesion(generator(seed, "scar"), "ischaemic", ventricle.length, ventricle.wall)
    segments = segments_of(lesion, ventricle.a + ventricle.wall / 2, ventricle.length)
    assert segments.min() >= 0 and segments.max() <= 1
    assert 100 * SEGMENT_SHARE @ segments == pytest.approx(100 * lesion.size, rel=0.15)
    territory = {"LAD": (1, 2, 7, 8, 13, 14, 17), "RCA": (3, 4, 9, 10, 15), "LCX": (5, 6, 11, 12, 16)}
    if "+" not in lesion.name:
        own = np.isin(np.arange(1, 18), territory[lesion.name])
        assert segments[own].sum() > segments[~own].sum()


def test_lvef_falls_with_scar_and_dilation_and_the_qrs_widens():
    patients = [draw_patient(s, "normal" if s % 2 else "ischaemic", None, None, None, None) for s in range(400)]
    lvef, scar = np.array([p.lvef for p in patients]), np.array([p.scar_percent for p in patients])
    cavity, duration = np.array([p.cavity_ml for p in patients]), np.array([p.qrs_duration for p in patients])
    assert np.corrcoef(lvef, scar)[0, 1] < -0.35 and np.corrcoef(lvef, cavity)[0, 1] < -0.4
    assert np.corrcoef(lvef[scar == 0], cavity[scar == 0])[0, 1] < -0.3
    assert duration[lvef < 50].mean() - duration[lvef >= 50].mean() > 10  # 124.5 against 109.7 ms (PMC3627277)
    assert 0.15 < (lvef < 50).mean() < 0.40


def test_clinical_features_have_the_prevalences_of_the_cohort_and_modest_links():
    scar = np.arange(3000) % 2 == 0
    drawn = [draw_clinical(generator(seed, "clinical"), bool(found), False) for seed, found in enumerate(scar)]
    for name, prevalence in {
        "female": 0.49,
        "diabetes": 0.37,
        "hypertension": 0.75,
        "smoke": 0.17,
        "dyslipidemia": 0.71,
    }.items():
        value = np.array([getattr(c, name) for c in drawn])
        assert value.mean() == pytest.approx(prevalence, abs=0.05), name
        odds = [value[g].mean() / (1 - value[g].mean()) for g in (scar, ~scar)]
        assert (0.3 < odds[0] / odds[1] < 0.6) if name == "female" else (0.9 < odds[0] / odds[1] < 2.6), name
    age = np.array([c.age for c in drawn])
    assert age.mean() == pytest.approx(72.3, abs=1.5) and age.std() == pytest.approx(13.5, abs=1.5)


def test_noise_has_no_preferred_sign_and_a_plausible_size():
    t = np.arange(5000) / 500
    noise = np.stack([electrode_noise(np.random.default_rng(s), t, 500, 0.25) for s in range(40)])
    assert abs(noise.mean()) < 0.02 and 0.02 < np.median(noise.std(2)) < 0.15
    fast = np.diff(noise, axis=2).std(2)
    assert 0.001 < np.median(fast) < 0.02
