"""What a study of a given size and prevalence would find, drawn from the cases of a test set."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_jdl.analysis.operating_points import f1_score
from monai_jdl.analysis.predictions import Predictions
from monai_jdl.analysis.roc import Metric, area_under_roc
from monai_jdl.analysis.statistics import LEVEL, SEED


def at_prevalence(
    predictions: Predictions,
    threshold: float | None,
    prevalence: float = 0.079,
    size: int = 500,
    draws: int = 1000,
) -> dict[str, Any]:
    """AUC and F1 of many studies of ``size`` people of whom ``prevalence`` are positive, drawn from the test set.

    Each draw takes one case of each patient, at random, and then positive and negative people in the stated numbers. The
    mean of draws without replacement is the published number. Three intervals must not be confused:

    - ``_percentiles95``, the 2.5th and 97.5th percentiles of these draws: the spread of studies of that size. Draws that
      take most of the test set share most of their people, so the spread is too small then.
    - ``_study95``, the same of draws with replacement: the spread of studies of that size, without this flaw. This is the
      one to report.
    - The t interval of the mean over draws, which published work reports, is not given. It shrinks to nothing as one draws
      more often from the same people, and says how long the computer ran, not how well the model is known.

    Args:
        predictions: of one task.
        threshold: for F1, chosen on development data; None gives no F1.
        prevalence: share of positives, 0..1; a half person is rounded down, as in the published 39 of 500.
        size: people per draw.
        draws: how many.

    Returns:
        ``prevalence``, ``size``, ``draws``, ``positive`` (people per draw), and for ``auc`` and ``f1`` each ``_mean``,
        ``_percentiles95`` and ``_study95``. None with a ``reason`` where the test set has too few people of a class.
    """
    positive = math.ceil(prevalence * size - 0.5)
    result: dict[str, Any] = {"prevalence": prevalence, "size": size, "draws": draws, "positive": positive}
    result |= {f"{name}_{kind}": None for name in ("auc", "f1") for kind in ("mean", "percentiles95", "study95")}
    wanted = (positive, size - positive)
    there = tuple(len(np.unique(predictions.patient[predictions.truth == label])) for label in (True, False))
    if not all(0 < want <= have for want, have in zip(wanted, there, strict=True)):
        reason = f"a draw takes {wanted[0]} positive and {wanted[1]} negative patients, but there are {there[0]} and {there[1]}"
        return result | {"reason": reason}
    apart, again = (_draw(predictions, wanted, draws, replace) for replace in (False, True))
    if apart is None or again is None:
        return result | {"reason": "patients with cases of both classes leave too few of one class in some draws"}
    metrics: dict[str, Metric] = {"auc": area_under_roc}
    if threshold is not None:
        call = predictions.probability >= threshold
        metrics["f1"] = lambda cases, weight: f1_score(cases, call, weight)
    for name, metric in metrics.items():
        once, repeated = metric(predictions, apart), metric(predictions, again)
        result |= {f"{name}_mean": float(once.mean()), f"{name}_percentiles95": _percentiles(once)}
        result[f"{name}_study95"] = _percentiles(repeated)
    return result


def _draw(predictions: Predictions, wanted: tuple[int, int], draws: int, replace: bool) -> NDArray[np.float64] | None:
    """How often each case is in each draw [draws, n]; None where one case per patient leaves too few of a class."""
    rng = np.random.default_rng(SEED)
    weight = np.zeros((draws, len(predictions)))
    for row in weight:
        order = rng.permutation(len(predictions))
        people = order[np.unique(predictions.patient[order], return_index=True)[1]]
        positive = predictions.truth[people]
        for members, count in zip((people[positive], people[~positive]), wanted, strict=True):
            if len(members) < count:
                return None
            np.add.at(row, rng.choice(members, count, replace=replace), 1)
    return weight


def _percentiles(values: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
