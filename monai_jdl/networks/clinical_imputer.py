"""Missing clinical features, filled in by what is known of the patient; fitted on training data and kept with the weights."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

CLINICAL_FEATURES = ("age", "female", "diabetes", "hypertension", "smoke", "dyslipidemia")
"""Order of the clinical features, ``[B, 6]``: age in years, the others 0 or 1."""
_ITERATIONS = 100
_CONVERGED = 1e-6
"""Largest change of a standardised moment at which the fit ends."""
_RIDGE = 1e-3
"""Added to the variances of the standardised features: two that always agree must not make the covariance singular."""


class ClinicalImputer(nn.Module):
    """Replaces NaN by its expectation given the patient's other features, under a normal distribution of all.

    The distribution is fitted to incomplete training data by expectation maximisation (Little and Rubin, Statistical Analysis
    with Missing Data, 3rd ed. 2019, 11.2); its expectations are the linear regressions that an iterative imputer arrives at.
    An expectation of a binary feature is cut to 0 or 1 where that gives the feature's prevalence in the training data, as the
    mtecg study does (Sci Rep 2024, s41598-024-58131-6).

    All that is fitted are buffers: a network's state dict holds them, and no evaluation can fit them anew. Before
    :meth:`fit`, NaN becomes 0.

    Args:
        continuous: indices of the features that are not binary; of :data:`CLINICAL_FEATURES` that is age.
        features: their number.
    """

    mean: torch.Tensor
    covariance: torch.Tensor
    cut: torch.Tensor

    def __init__(self, continuous: tuple[int, ...] = (0,), features: int = len(CLINICAL_FEATURES)) -> None:
        super().__init__()
        self.binary = [index for index in range(features) if index not in continuous]
        self.register_buffer("mean", torch.zeros(features, dtype=torch.float64))
        self.register_buffer("covariance", torch.eye(features, dtype=torch.float64))
        self.register_buffer("cut", torch.full((features,), 0.5, dtype=torch.float64))

    def fit(self, table: ArrayLike) -> ClinicalImputer:
        """Fit to training data.

        Args:
            table: [N, F], NaN where a feature is missing; a row without any feature tells nothing and is left out. A feature
                that no row has is taken as 0.

        Returns:
            Itself.

        Raises:
            ValueError: the table has another number of columns.
        """
        values = np.asarray(table, dtype=np.float64)
        features = self.mean.numel()
        if values.ndim != 2 or values.shape[1] != features:
            raise ValueError(f"The table has shape {values.shape}; [N, {features}] is needed.")
        values = values[np.isfinite(values).any(axis=1)]
        values = np.where(np.isfinite(values).any(axis=0), values, 0.0)
        if not len(values):
            return self
        centre = np.nanmean(values, axis=0)
        spread = np.nanstd(values, axis=0)
        spread[spread == 0] = 1.0
        mean, covariance = _fit_normal((values - centre) / spread)
        self.mean.copy_(torch.from_numpy(centre + spread * mean))
        self.covariance.copy_(torch.from_numpy(covariance * np.outer(spread, spread)))
        for index in self.binary:
            known = np.isfinite(values[:, index])
            others = values[known].copy()
            others[:, index] = np.nan
            expected = self._expectation(torch.from_numpy(others))[:, index].numpy()
            self.cut[index] = _matching_cut(expected, float(values[known, index].mean()))
        return self

    def forward(self, clinical: torch.Tensor) -> torch.Tensor:
        """``clinical``, [B, F], without NaN, in its own type; what was known stays as it is."""
        complete = self._expectation(clinical.double())
        binary = (complete > self.cut).double()
        for index in self.binary:
            complete[:, index] = binary[:, index]
        return torch.where(torch.isnan(clinical), complete.to(clinical.dtype), clinical)

    def _expectation(self, clinical: torch.Tensor) -> torch.Tensor:
        """[B, F] with NaN replaced by E[missing | known]."""
        result = clinical.clone()
        missing = torch.isnan(clinical)
        for pattern in torch.unique(missing, dim=0):
            if not pattern.any():
                continue
            rows = (missing == pattern).all(dim=1).nonzero()[:, 0]
            known = ~pattern
            filled = self.mean[pattern].expand(len(rows), -1)
            if known.any():
                slope = torch.linalg.solve(self.covariance[known][:, known], self.covariance[known][:, pattern])
                filled = filled + (clinical[rows][:, known] - self.mean[known]) @ slope
            result[rows.unsqueeze(1), pattern.nonzero()[:, 0]] = filled
        return result


def _fit_normal(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean [F] and covariance [F, F] of the normal distribution that makes standardised ``values``, NaN missing, likeliest."""
    features = values.shape[1]
    mean, covariance = np.zeros(features), np.eye(features)
    missing = np.isnan(values)
    patterns, owner = np.unique(missing, axis=0, return_inverse=True)
    groups = [values[owner.ravel() == index] for index in range(len(patterns))]
    for _ in range(_ITERATIONS):
        total, square = np.zeros(features), np.zeros((features, features))
        for pattern, group in zip(patterns, groups, strict=True):
            filled, known = group.copy(), ~pattern
            slope = np.linalg.solve(covariance[known][:, known], covariance[known][:, pattern])
            filled[:, pattern] = mean[pattern] + (group[:, known] - mean[known]) @ slope
            total += filled.sum(axis=0)
            square += filled.T @ filled
            # what is missing also varies about its expectation
            rest = covariance[pattern][:, pattern] - covariance[pattern][:, known] @ slope
            square[np.ix_(pattern, pattern)] += len(group) * rest
        before = mean, covariance
        mean = total / len(values)
        covariance = square / len(values) - np.outer(mean, mean) + _RIDGE * np.eye(features)
        if max(np.abs(mean - before[0]).max(), np.abs(covariance - before[1]).max()) < _CONVERGED:
            break
    return mean, covariance


def _matching_cut(expected: np.ndarray, prevalence: float) -> float:
    """Cut above which the share of ``expected`` comes nearest to ``prevalence``: between two neighbouring values."""
    steps, counts = np.unique(expected, return_counts=True)
    above = 1.0 - np.concatenate([[0], np.cumsum(counts)]) / expected.size
    best = int(np.abs(above - prevalence).argmin())
    edges = np.concatenate([[steps[0] - 1.0], steps, [steps[-1] + 1.0]])
    return float(0.5 * (edges[best] + edges[best + 1]))
