"""The frozen test set: who is in it, and whether its contrast and difficulty are those of the literature."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy import ndimage

from monai_jdl.analysis.thresholds import fwhm
from monai_jdl.phantoms import TEST_SEEDS, LGECase, frozen_test_set

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cohort() -> list[LGECase]:
    return list(frozen_test_set())


@pytest.fixture(scope="module")
def infarcts(cohort) -> list[LGECase]:
    return [c for c in cohort if c.kind == "ischaemic"]


def signal(patient: LGECase) -> np.ndarray:
    return patient.image.astype(np.float64) + patient.rescale_intercept


def contrast_to_noise(patient: LGECase) -> tuple[float, float]:
    """Infarct to remote and infarct to blood in units of the noise, over whole voxels of the slices with infarct."""
    image, (myocardium, scar) = signal(patient), patient.occupancy
    core = (scar > 0.99) & (patient.label == 3)
    healthy = (myocardium > 0.99) & (scar < 0.01)
    blood = ndimage.binary_erosion(patient.label == 1, np.ones((3, 3, 1)))
    used = np.flatnonzero(core.any((0, 1)) & healthy.any((0, 1)) & blood.any((0, 1)))
    remote_mean = np.mean([image[..., z][healthy[..., z]].mean() for z in used])
    blood_mean = np.mean([image[..., z][blood[..., z]].mean() for z in used])
    infarct = image[core].mean()
    return (infarct - remote_mean) / patient.noise_sd, (infarct - blood_mean) / patient.noise_sd


def test_the_cohort_has_the_stated_patients(cohort):
    assert [c.seed for c in cohort] == list(TEST_SEEDS) == list(range(90000, 90040))
    assert Counter(c.kind for c in cohort) == {"ischaemic": 30, "nonischaemic": 5, "normal": 5}
    assert Counter(c.display for c in cohort) == {"magnitude": 20, "psir": 20}
    assert Counter(c.display for c in cohort if c.kind == "ischaemic") == {"magnitude": 15, "psir": 15}


def test_scar_sizes_and_ventricles_are_those_of_patients(infarcts):
    size = np.array([c.scar_percent for c in infarcts])
    assert size.mean() == pytest.approx(11.8, abs=2) and size.std() == pytest.approx(7.2, abs=2)
    assert size.min() > 1.9 and size.max() < 30.1
    depth = np.array([c.transmurality for c in infarcts])
    assert depth.mean() == pytest.approx(0.47, abs=0.06) and depth.std() == pytest.approx(0.19, abs=0.06)
    mass = np.array([1.05 * c.volumes_ml["myocardium"] for c in infarcts])
    volume = np.array([c.volumes_ml["cavity"] for c in infarcts])
    assert 100 < mass.mean() < 140 and 60 < mass.min() and mass.max() < 230
    assert 120 < volume.mean() < 170 and 70 < volume.min() and volume.max() < 230


def test_contrast_lies_in_the_published_bands(infarcts):
    measured = np.array(
        [contrast_to_noise(c) for c in infarcts if ((c.occupancy[1] > 0.99) & (c.label == 3)).sum() > 10]
    )
    remote, blood = measured.T
    assert len(measured) > 20 and 8 <= remote.min() and remote.max() <= 40
    assert blood.mean() == pytest.approx(3.5, abs=1) and blood.std() == pytest.approx(3, abs=1)


def test_it_is_neither_easy_nor_hopeless_for_a_threshold_in_the_true_myocardium(infarcts):
    dice = []
    for patient in infarcts:
        truth = patient.label >= 3
        found = fwhm(signal(patient), patient.label >= 2)
        dice.append(2 * (found & truth).sum() / (found.sum() + truth.sum()))
    assert 0.45 < np.mean(dice) < 0.75
