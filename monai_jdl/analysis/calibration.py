"""Whether probabilities mean what they say: scores, the reliability curve, and temperature scaling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from monai_jdl.analysis.predictions import Predictions, proportion
from monai_jdl.errors import InputError

BINS = 15
TEMPERATURES = (0.05, 20.0)


def calibration_scores(predictions: Predictions) -> dict[str, Any]:
    """How well the probabilities are calibrated.

    Returns:
        ``brier`` (Mon Weather Rev 1950;78:1-3, of the positive class) and ``log_loss`` (natural), each with ``_ci95`` (BCa
        over patients); ``ece``; ``mean_probability`` and ``prevalence``, equal where calibration in the large is right.
        All None without cases. ``ece`` is the binary expected calibration error of 15 equally wide bins: the mean over
        cases of \\|share of positives - mean probability\\| of their bin (Naeini et al., AAAI 2015). It has no interval: of
        finite samples it is biased upwards, and resampling adds to the bias.
    """
    names = ("brier", "brier_ci95", "log_loss", "log_loss_ci95", "ece", "mean_probability", "prevalence")
    if not len(predictions):
        return dict.fromkeys(names)
    bins = [row for row in reliability_curve(predictions) if row["n"]]
    gaps = [row["n"] * abs(row["observed"] - row["mean_probability"]) for row in bins]
    values = (
        float(brier(predictions)),
        predictions.bootstrap(lambda weight: brier(predictions, weight)),
        float(log_loss(predictions)),
        predictions.bootstrap(lambda weight: log_loss(predictions, weight)),
        sum(gaps) / len(predictions),
        float(predictions.probability.mean()),
        float(predictions.truth.mean()),
    )
    return dict(zip(names, values, strict=True))


def brier(predictions: Predictions, weight: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """Mean squared difference of probability and truth, of cases weighted by ``weight`` [..., n] -> [...]."""
    return _mean((predictions.probability - predictions.truth) ** 2, weight)


def log_loss(predictions: Predictions, weight: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """Mean of -log of the probability of what is true, of cases weighted by ``weight`` [..., n] -> [...].

    Probabilities are kept 2.2e-16 away from 0 and 1, as scikit-learn does; a certain error costs 36 then.
    """
    epsilon = np.finfo(float).eps
    likely = np.where(predictions.truth, predictions.probability, 1 - predictions.probability)
    return _mean(-np.log(np.clip(likely, epsilon, 1 - epsilon)), weight)


def reliability_curve(predictions: Predictions, bins: int = BINS) -> list[dict[str, Any]]:
    """What was observed where a probability was said.

    Args:
        predictions: of one task.
        bins: equally wide, the last one closed at 1.

    Returns:
        A row per bin: ``low``, ``high``, ``n``, ``mean_probability``, ``observed`` (share of positives) and
        ``observed_ci95`` (Wilson); None where a bin is empty.
    """
    index = np.minimum((predictions.probability * bins).astype(int), bins - 1)
    rows = []
    for i in range(bins):
        members = index == i
        observed, interval = proportion(predictions.truth[members], predictions.patient[members])
        rows.append(
            {
                "low": i / bins,
                "high": (i + 1) / bins,
                "n": int(members.sum()),
                "mean_probability": float(predictions.probability[members].mean()) if members.any() else None,
                "observed": observed,
                "observed_ci95": interval,
            }
        )
    return rows


@dataclass(frozen=True)
class Temperature:
    """The one number that logits of a task are divided by (Guo et al., ICML 2017); ``dataclasses.asdict`` is for JSON.

    Attributes:
        value: > 0. Above 1 it makes probabilities less extreme, below 1 more; 1 leaves them alone.
        n: cases that it was fitted to.
        log_loss_before: of these cases at temperature 1; None where nothing was fitted.
        log_loss_after: of these cases at ``value``.
        reason: why nothing was fitted.
    """

    value: float
    n: int = 0
    log_loss_before: float | None = None
    log_loss_after: float | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        if not 0 < self.value < np.inf:
            raise InputError(f"temperature: {self.value:g} is not a positive number; fit it by Temperature.fit.")

    @classmethod
    def fit(cls, truth: ArrayLike, logits: ArrayLike) -> Temperature:
        """The temperature with the least log loss, on development data.

        Log loss has one minimum: it is convex in 1 / temperature. It is looked for within 0.05-20, for it lies at 0 where
        the classes are separated and at infinity where the logits point the wrong way.

        Args:
            truth: [n], 0 or 1, NaN where missing.
            logits: [n]; NaN is left out.

        Returns:
            A temperature of 1 with a ``reason`` where a class is absent.

        Raises:
            InputError: a truth is neither 0 nor 1, or the lengths differ.
        """
        score = np.asarray(logits, dtype=float)
        development = Predictions.from_arrays(truth, special.expit(score))
        if development.reason:
            return cls(1.0, len(development), reason=development.reason)
        labels = np.asarray(truth, dtype=float)
        known = np.isfinite(labels) & ~np.isnan(score)
        # log loss = log(1 + exp(-margin / temperature)), exact where probabilities would round to 0 or 1
        margin = np.where(labels[known] == 1, score[known], -score[known])

        def loss(log_temperature: float) -> float:
            return float(np.logaddexp(0, -margin / np.exp(log_temperature)).mean())

        found = optimize.minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded", options={"xatol": 1e-6})
        return cls(float(np.exp(found.x)), len(margin), loss(0.0), float(found.fun))

    def probability(self, logits: ArrayLike) -> NDArray[np.float64]:
        """Calibrated probabilities of logits of any shape; their order stays."""
        return special.expit(np.asarray(logits, dtype=float) / self.value)


def _mean(values: NDArray[np.float64], weight: NDArray[np.float64] | None) -> NDArray[np.float64]:
    return values.mean() if weight is None else (weight @ values) / weight.sum(axis=-1)
