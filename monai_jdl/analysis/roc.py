"""ROC and precision-recall curves, their areas with intervals, and two models compared on the same cases."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import integrate, stats

from monai_jdl.analysis.predictions import Predictions, Z, ratio
from monai_jdl.analysis.statistics import Interval
from monai_jdl.errors import InputError

Metric = Callable[[Predictions, "NDArray[np.float64] | None"], "NDArray[np.float64]"]
FALSE_POSITIVE_GRID = np.linspace(0, 1, 101)


def discrimination(predictions: Predictions) -> dict[str, Any]:
    """How well the probabilities tell the classes apart.

    Returns:
        The counts; ``auc`` with ``auc_ci95`` (DeLong, on the logit scale, see :func:`auc_interval`) and
        ``auc_bootstrap_ci95`` (BCa over patients); ``average_precision`` with ``average_precision_ci95`` (BCa over
        patients). What needs a class that is absent is None, and ``reason`` says so.
    """
    result: dict[str, Any] = predictions.counts()
    names = ("auc", "auc_ci95", "auc_bootstrap_ci95", "average_precision", "average_precision_ci95")
    if predictions.reason:
        return result | dict.fromkeys(names)
    auc, interval = auc_interval(predictions)
    values = (
        auc,
        interval,
        predictions.bootstrap(lambda weight: area_under_roc(predictions, weight)),
        float(average_precision(predictions)),
        predictions.bootstrap(lambda weight: average_precision(predictions, weight)),
    )
    return result | dict(zip(names, values, strict=True))


def area_under_roc(predictions: Predictions, weight: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """Area under the ROC curve: how often a positive case scores above a negative one, ties counting one half.

    Args:
        predictions: of one task.
        weight: [..., n], how often each case counts.

    Returns:
        [...]; NaN where a class is absent.
    """
    _, true, false = predictions.cumulative(weight)
    area = integrate.trapezoid(true, false, axis=-1)
    return ratio(area, true[..., -1] * false[..., -1])


def average_precision(predictions: Predictions, weight: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """Precision averaged over the steps of recall, without interpolation, as scikit-learn's ``average_precision_score``.

    Args:
        predictions: of one task.
        weight: [..., n], how often each case counts.

    Returns:
        [...]; NaN where nobody is positive.
    """
    _, true, false = predictions.cumulative(weight)
    true, false = true[..., 1:], false[..., 1:]
    precision = np.nan_to_num(ratio(true, true + false))
    return ratio((np.diff(true, axis=-1, prepend=0) * precision).sum(axis=-1), true[..., -1])


def roc_curve(predictions: Predictions) -> dict[str, NDArray[np.float64]]:
    """``threshold``, ``false_positive_rate`` and ``sensitivity`` [k + 1] at all thresholds, from (0, 0) to (1, 1).

    A case is called positive at its own probability as threshold.
    """
    threshold, true, false = predictions.cumulative()
    return {
        "threshold": threshold,
        "false_positive_rate": ratio(false, false[-1]),
        "sensitivity": ratio(true, true[-1]),
    }


def roc_band(predictions: Predictions) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """95 % pointwise band of the sensitivity at the false-positive rates of ``FALSE_POSITIVE_GRID``, over patients.

    Returns:
        Lower and upper edge, each [101].
    """

    def curve(weight: NDArray[np.float64]) -> NDArray[np.float64]:
        _, true, false = predictions.cumulative(weight)
        rates = zip(ratio(false, false[..., -1:]), ratio(true, true[..., -1:]), strict=True)
        curves = np.array([np.interp(FALSE_POSITIVE_GRID, *rate) for rate in rates])
        curves[true[..., -1] * false[..., -1] == 0] = np.nan  # a class was not drawn
        return curves

    return predictions.band(curve, draws=1000)


def precision_recall_curve(predictions: Predictions) -> dict[str, NDArray[np.float64]]:
    """``threshold``, ``recall`` and ``precision`` [k] at all thresholds that call somebody, thresholds falling."""
    threshold, true, false = (values[1:] for values in predictions.cumulative())
    return {"threshold": threshold, "recall": ratio(true, true[-1:]), "precision": true / (true + false)}


def auc_interval(predictions: Predictions) -> tuple[float, Interval]:
    """AUC and its 95 % interval by DeLong's variance, on the logit scale so that it stays within 0..1.

    The logit's standard error is that of the AUC / (AUC (1 - AUC)) (Pepe, The Statistical Evaluation of Medical Tests,
    2003, 5.2.5).

    Args:
        predictions: with both classes.

    Returns:
        No interval for an AUC of 0 or 1, fewer than two patients of a class, or where all pairs tie: the variance is not
        known then.
    """
    areas, covariance = _areas(predictions, predictions.probability[None])
    area, error = float(areas[0]), float(np.sqrt(covariance[0, 0]))
    if not (0 < area < 1 and error > 0):
        return area, None
    logit, error = np.log(area / (1 - area)), error / (area * (1 - area))
    low, high = 1 / (1 + np.exp(-(logit + np.array([-Z, Z]) * error)))
    return area, (float(low), float(high))


def compare_auc(
    truth: ArrayLike, first: ArrayLike, second: ArrayLike, patients: Sequence[Hashable] | None = None
) -> dict[str, Any]:
    """DeLong's test: the AUC of two models on the same cases.

    Args:
        truth: [n], 0 or 1, NaN where missing.
        first: [n], probabilities of a model; cases that lack either model's are left out.
        second: [n], of the other.
        patients: [n] names; by default every case is a patient's only one.

    Returns:
        The counts; ``first``, ``second``; ``difference`` (first - second) with ``difference_ci95`` and ``p`` of no
        difference (two-sided, normal). None with a ``reason`` where a class is absent or the variance is not known.

    Raises:
        InputError: see :meth:`Predictions.from_arrays`.
    """
    one, other = _pair(truth, first, second, patients)
    names = ("first", "second", "difference", "difference_ci95", "p")
    result: dict[str, Any] = one.counts() | dict.fromkeys(names)
    if one.reason:
        return result
    areas, covariance = _areas(one, np.stack([one.probability, other.probability]))
    difference, contrast = float(areas[0] - areas[1]), np.array([1.0, -1.0])
    variance = float(contrast @ covariance @ contrast)
    result |= {"first": float(areas[0]), "second": float(areas[1]), "difference": difference}
    if not variance > 1e-15:
        return result | {"reason": "the variance of the difference is not known: equal rankings or too few patients"}
    error = float(np.sqrt(variance))
    interval = (difference - Z * error, difference + Z * error)
    return result | {"difference_ci95": interval, "p": float(2 * stats.norm.sf(abs(difference) / error))}


def compare_metrics(
    truth: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    metrics: Mapping[str, Metric],
    patients: Sequence[Hashable] | None = None,
) -> list[dict[str, Any]]:
    """Any metrics of two models on the same cases; differences with BCa intervals over patients, drawn in pairs.

    Args:
        truth: [n], 0 or 1, NaN where missing.
        first: [n], probabilities of a model; cases that lack either model's are left out.
        second: [n], of the other.
        metrics: name -> function of predictions and weights [..., n] -> [...], such as :func:`average_precision`,
            ``brier`` and ``log_loss``.
        patients: [n] names; by default every case is a patient's only one.

    Returns:
        A row per metric: ``metric``, ``first``, ``second``, ``difference`` (first - second), ``difference_ci95``. No
        interval where all draws agree.

    Raises:
        InputError: see :meth:`Predictions.from_arrays`.
    """
    one, other = _pair(truth, first, second, patients)
    rows = []
    for name, metric in metrics.items():
        values = [float(metric(model, np.ones(len(model)))) if len(model) else np.nan for model in (one, other)]

        def difference(weight: NDArray[np.float64], metric: Metric = metric) -> NDArray[np.float64]:
            return metric(one, weight) - metric(other, weight)

        defined = np.isfinite(values).all()
        rows.append(
            {
                "metric": name,
                "first": values[0] if defined else None,
                "second": values[1] if defined else None,
                "difference": values[0] - values[1] if defined else None,
                "difference_ci95": one.bootstrap(difference) if defined else None,
            }
        )
    return rows


def _pair(
    truth: ArrayLike, first: ArrayLike, second: ArrayLike, patients: Sequence[Hashable] | None
) -> tuple[Predictions, Predictions]:
    """Both models on the cases that both have."""
    one, other = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if one.shape != other.shape:
        raise InputError(
            f"first {list(one.shape)} and second {list(other.shape)} differ; give both for the same cases."
        )
    gap = np.where(np.isnan(one) | np.isnan(other), np.nan, 0.0)
    return Predictions.from_arrays(truth, one + gap, patients), Predictions.from_arrays(truth, other + gap, patients)


def _areas(predictions: Predictions, scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """AUC of each model [m] and DeLong's covariance [m, m] from scores [m, n]; both classes are there.

    The components are DeLong's (DeLong et al., Biometrics 1988;44:837-845) by midranks (Sun and Xu, IEEE Signal Process Lett
    2014;21:1389-1393), summed by patient where patients have several cases (Obuchowski, Biometrics 1997;53:567-578). The
    covariance is NaN where a class has fewer than two patients.
    """
    truth, patient = predictions.truth, predictions.patient
    positives, negatives = int(truth.sum()), int((~truth).sum())
    rank = stats.rankdata(scores, axis=1)
    above = (rank[:, truth] - stats.rankdata(scores[:, truth], axis=1)) / negatives
    below = 1 - (rank[:, ~truth] - stats.rankdata(scores[:, ~truth], axis=1)) / positives
    areas = above.mean(axis=1)

    def by_patient(component: NDArray[np.float64], owner: NDArray[np.intp]) -> NDArray[np.float64]:
        surplus = component - areas[:, None]
        return np.stack([np.bincount(owner, row, minlength=predictions.patients) for row in surplus])

    def corrected(groups: int) -> float:
        return groups / (groups - 1) if groups > 1 else np.nan

    up = by_patient(above, patient[truth]) / positives
    down = by_patient(below, patient[~truth]) / negatives
    covariance = corrected(len(np.unique(patient[truth]))) * up @ up.T
    covariance = covariance + corrected(len(np.unique(patient[~truth]))) * down @ down.T
    return areas, covariance + corrected(predictions.patients) * (up @ down.T + down @ up.T)
