"""Imputation: expectations in closed form, the fit from incomplete data, and prevalence."""

import numpy as np
import pytest
import torch

from monai_jdl.networks import CLINICAL_FEATURES, ClinicalImputer

FEATURES = len(CLINICAL_FEATURES)


def patients(count: int, seed: int = 0) -> np.ndarray:
    """Complete features whose dependence is known: diabetes and hypertension come with age, dyslipidemia with diabetes."""
    rng = np.random.default_rng(seed)
    age = rng.normal(65, 12, count)
    tendency = (age - 65) / 12 + rng.normal(0, 1, count)
    diabetes, hypertension = tendency > 0.9, tendency + rng.normal(0, 0.5, count) > -0.4
    dyslipidemia = np.where(rng.random(count) < 0.9, diabetes, ~diabetes)
    return np.stack(
        [age, rng.random(count) < 0.4, diabetes, hypertension, rng.random(count) < 0.2, dyslipidemia], axis=1
    ).astype(float)


def with_holes(table: np.ndarray, share: float, seed: int = 1) -> np.ndarray:
    return np.where(np.random.default_rng(seed).random(table.shape) < share, np.nan, table)


def test_two_features_are_filled_by_their_regression():
    imputer = ClinicalImputer(continuous=(0, 1), features=2)
    imputer.mean.copy_(torch.tensor([60.0, 3.0]))
    imputer.covariance.copy_(torch.tensor([[100.0, 5.0], [5.0, 1.0]]))
    out = imputer(torch.tensor([[80.0, torch.nan], [torch.nan, 5.0], [torch.nan, torch.nan], [1.0, 2.0]]))
    torch.testing.assert_close(out, torch.tensor([[80.0, 4.0], [70.0, 5.0], [60.0, 3.0], [1.0, 2.0]]))


def test_moments_are_found_although_much_is_missing():
    rng = np.random.default_rng(2)
    complete = rng.multivariate_normal([65, 3, 1], [[144, 8, 0], [8, 1, 0.3], [0, 0.3, 1]], 4000)
    # what is missing depends on the first feature: the mean of what is there is off
    table = complete.copy()
    table[(complete[:, 0] > 65) & (rng.random(len(table)) < 0.7), 1] = np.nan
    imputer = ClinicalImputer(continuous=(0, 1, 2), features=3).fit(with_holes(table, 0.1))
    spread = complete.std(axis=0)
    np.testing.assert_allclose((imputer.mean.numpy() - complete.mean(axis=0)) / spread, 0, atol=0.04)
    np.testing.assert_allclose(
        imputer.covariance.numpy() / np.outer(spread, spread), np.corrcoef(complete.T), atol=0.04
    )
    assert abs(np.nanmean(table[:, 1]) - complete[:, 1].mean()) > 0.15


def test_imputed_binaries_have_the_prevalence_of_the_training_data():
    complete = patients(3000)
    imputer = ClinicalImputer().fit(with_holes(complete, 0.2))
    fresh = patients(3000, seed=7)
    for index in range(1, FEATURES):
        asked = torch.from_numpy(fresh.copy())
        asked[:, index] = torch.nan
        imputed = imputer(asked)[:, index]
        assert set(imputed.tolist()) <= {0.0, 1.0}
        if CLINICAL_FEATURES[index] in ("diabetes", "hypertension", "dyslipidemia"):  # the others follow from nothing
            assert float(imputed.mean()) == pytest.approx(fresh[:, index].mean(), abs=0.08)
            assert np.mean(imputed.numpy() == fresh[:, index]) > 0.7


def test_the_state_dict_holds_the_fit():
    imputer = ClinicalImputer().fit(with_holes(patients(300), 0.2))
    other = ClinicalImputer()
    other.load_state_dict(imputer.state_dict())
    asked = torch.from_numpy(with_holes(patients(50, 3), 0.5)).float()
    torch.testing.assert_close(other(asked), imputer(asked))
    assert torch.equal(imputer(asked)[~torch.isnan(asked)], asked[~torch.isnan(asked)])


def test_a_feature_that_nobody_has_is_taken_as_zero_and_disturbs_no_other():
    table = patients(300)
    whole = ClinicalImputer().fit(table)
    table[:, 4] = np.nan
    imputer = ClinicalImputer().fit(table)
    asked = torch.from_numpy(with_holes(patients(50, 3), 0.4))
    asked[:, 4] = torch.nan
    out = imputer(asked)
    assert (out[:, 4] == 0).all()
    others = [0, 1, 2, 3, 5]
    assert (out[:, others] == whole(asked)[:, others]).double().mean() > 0.97
    nothing = ClinicalImputer().fit(np.full((3, FEATURES), np.nan))
    assert torch.isfinite(nothing(asked)).all()
    with pytest.raises(ValueError, match=r"\[N, 6\]"):
        ClinicalImputer().fit(table[:, :5])


def test_a_feature_that_never_varies_is_harmless():
    table = patients(200)
    table[:, 1] = 1.0
    out = ClinicalImputer().fit(table)(torch.full((2, FEATURES), torch.nan))
    assert torch.isfinite(out).all() and (out[:, 1] == 1).all()
