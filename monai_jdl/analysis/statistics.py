"""Summaries over cases, with 95 % bootstrap intervals over patients.

All cases and slices of a patient are drawn together, for they are not independent. Intervals are BCa (Efron, J Am Stat Assoc
1987;82:171-185) by SciPy, percentile intervals where BCa is not defined, and Wilson's interval where sensitivity or
specificity is 0 or 1, so that no resample could differ.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from monai_jdl.analysis.metrics import EXTRA_COLUMNS, METRICS_COLUMNS

LEVEL = 0.95
RESAMPLES = 9999
SEED = 0
SUMMARISED = [
    column
    for column in (*METRICS_COLUMNS, *EXTRA_COLUMNS)
    if column not in ("case", "patient", "true_scar_empty", "pred_scar_empty")
]

Interval = tuple[float, float] | None


def summarise(
    rows: Sequence[Mapping[str, Any]], detections: Sequence[Mapping[str, Any] | None] | None = None
) -> dict[str, Any]:
    """The contents of ``summary.json``.

    Args:
        rows: of :func:`case_metrics`, with ``case`` and ``patient``.
        detections: of :func:`case_detection`, in the order of ``rows``; None leaves detection out.

    Returns:
        ``cases``, ``patients``, ``bootstrap`` (how intervals were made); ``metrics``: for each column the number of cases,
        mean and median with intervals, for volume errors the mean of the absolute error, and scar Dice once more over the
        cases that have scar; ``scar_percent_agreement``: bias and limits of agreement of the predicted scar %; ``empty``:
        how many cases lack a mask in truth, prediction or both; ``detection``: AUC, sensitivity and specificity by
        ``patient`` and by ``slice``. Floats are finite: what cannot be computed is None.
    """
    patients = [row["patient"] for row in rows]
    summary: dict[str, Any] = {
        "cases": len(rows),
        "patients": len(set(patients)),
        "bootstrap": {"over": "patients", "level": LEVEL, "resamples": RESAMPLES, "seed": SEED},
        "metrics": {},
    }
    columns = {column: [row[column] for row in rows] for column in SUMMARISED}
    # Dice of all cases holds a 0 for each false positive; papers report the cases that have scar.
    columns["dice_scar_of_cases_with_scar"] = [math.nan if row["true_scar_empty"] else row["dice_scar"] for row in rows]
    for column, column_values in columns.items():
        values = _by_patient(column_values, patients)
        entry = {
            "n": int(np.isfinite(values).sum()),
            **_estimate("mean", values, _mean),
            **_estimate("median", values, _median),
        }
        if column.startswith("volume_error"):
            entry |= _estimate("mean_absolute", np.abs(values), _mean)
        summary["metrics"][column] = entry
    difference = [row["scar_percent_pred"] - row["scar_percent_true"] for row in rows]
    summary["scar_percent_agreement"] = agreement(difference, patients)
    summary["empty"] = {task: _count_empty(rows, task) for task in ("myocardium", "scar")}
    if detections is not None:
        known = [(patient, found) for patient, found in zip(patients, detections, strict=True) if found is not None]
        summary["detection"] = {
            "patient": detection(_whole_patients(known)),
            "slice": detection([(patient, part) for patient, found in known for part in found["slices"]]),
        }
    return finite(summary)


def agreement(difference: Sequence[float], patients: Sequence[Hashable]) -> dict[str, Any]:
    """Bias and 95 % limits of agreement, mean +- 1.96 SD of the differences (Bland and Altman, Lancet 1986;1:307-310).

    Args:
        difference: predicted - true, one per case; NaN is left out.
        patients: whose case it is.
    """
    values = _by_patient(difference, patients)
    return {
        "n": int(np.isfinite(values).sum()),
        **_estimate("bias", values, _mean),
        **_estimate("sd", values, _sd),
        **_estimate("lower_limit", values, lambda x: _mean(x) - 1.96 * _sd(x)),
        **_estimate("upper_limit", values, lambda x: _mean(x) + 1.96 * _sd(x)),
    }


def detection(items: Sequence[tuple[Hashable, Mapping[str, Any]]]) -> dict[str, Any]:
    """AUC of the scores, sensitivity and specificity of the calls, with intervals over patients.

    Args:
        items: (patient, ``{"truth": bool, "call": bool, "score": float}``).

    Returns:
        What needs the class that is absent is None, and ``reason`` says so. An AUC of 0 or 1 has no interval: all draws
        of patients would give the same.
    """
    patients = [patient for patient, _ in items]
    truth = np.array([item["truth"] for _, item in items], dtype=bool)
    call = np.array([item["call"] for _, item in items], dtype=float)
    result: dict[str, Any] = {"n": len(items), "positive": int(truth.sum()), "negative": int((~truth).sum())}
    absent = [name for name, there in (("positive", truth.any()), ("negative", (~truth).any())) if not there]
    if absent:
        result["reason"] = f"no {' and no '.join(absent)} cases"
    result |= {"auc": None, "auc_ci95": None}
    if not absent:
        auc = _auc(np.array([item["score"] for _, item in items]), truth, patients)
        everyone = np.arange(len(set(patients)))
        result["auc"] = float(auc(everyone))
        if 0 < result["auc"] < 1:
            result["auc_ci95"] = bootstrap_interval(len(everyone), auc)
    for name, share, members in (("sensitivity", call, truth), ("specificity", 1 - call, ~truth)):
        values = _by_patient(np.where(members, share, np.nan), patients)
        result |= _estimate(name, values, _mean)
        if result[name] in (0.0, 1.0):
            count = len(values)
            proportion = stats.binomtest(round(result[name] * count), count)
            result[f"{name}_ci95"] = tuple(proportion.proportion_ci(LEVEL, method="wilson"))
    return result


def bootstrap_interval(patients: int, statistic: Callable[[np.ndarray], np.ndarray]) -> Interval:
    """95 % interval of a statistic when patients are drawn with replacement.

    Args:
        patients: their number; None comes back for fewer than two.
        statistic: indices of patients [..., n] -> values [...]; NaN where a draw does not define it.
    """
    if patients < 2:
        return None
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore")  # undefined BCa: handled below
        result = stats.bootstrap(
            (np.arange(patients),),
            lambda drawn, axis: statistic(np.moveaxis(drawn, axis, -1)),
            n_resamples=RESAMPLES,
            confidence_level=LEVEL,
            method="BCa",
            rng=np.random.default_rng(SEED),
        )
    low, high = result.confidence_interval
    if not np.isfinite([low, high]).all():
        drawn = result.bootstrap_distribution[np.isfinite(result.bootstrap_distribution)]
        if not drawn.size:
            return None
        low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def finite(tree: Any) -> Any:
    """``tree`` of mappings and sequences with NaN and infinite floats as None and NumPy numbers as Python's own: JSON."""
    if isinstance(tree, Mapping):
        return {str(key): finite(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [finite(value) for value in tree]
    if isinstance(tree, np.generic):
        tree = tree.item()
    return None if isinstance(tree, float) and not math.isfinite(tree) else tree


def _estimate(name: str, values: np.ndarray, statistic: Callable[[np.ndarray], np.ndarray]) -> dict[str, Any]:
    """The statistic of all values [patients, most cases per patient] (NaN is padding) and its interval."""
    if not values.size:
        return {name: None, f"{name}_ci95": None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the SD of one value
        value = float(statistic(values.ravel()))
    return {
        name: value,
        f"{name}_ci95": bootstrap_interval(
            len(values), lambda drawn: statistic(values[drawn].reshape(*drawn.shape[:-1], -1))
        ),
    }


def _by_patient(values: Sequence[float] | np.ndarray, patients: Sequence[Hashable]) -> np.ndarray:
    """Finite values as [patients that have any, most values per patient], padded with NaN."""
    groups: dict[Hashable, list[float]] = {}
    for value, patient in zip(values, patients, strict=True):
        if math.isfinite(value):
            groups.setdefault(patient, []).append(value)
    most = max(map(len, groups.values()), default=0)
    return np.array([group + [math.nan] * (most - len(group)) for group in groups.values()]).reshape(len(groups), most)


def _mean(values: np.ndarray) -> np.ndarray:
    return np.nanmean(values, axis=-1)


def _median(values: np.ndarray) -> np.ndarray:
    # nanmedian is ten times slower, and most tables have one case per patient.
    return np.nanmedian(values, axis=-1) if np.isnan(values).any() else np.median(values, axis=-1)


def _sd(values: np.ndarray) -> np.ndarray:
    return np.nanstd(values, axis=-1, ddof=1)


def _auc(score: np.ndarray, truth: np.ndarray, patients: Sequence[Hashable]) -> Callable[[np.ndarray], np.ndarray]:
    """The area under the ROC curve as a function of drawn patients [..., n], ties counting one half (Mann-Whitney).

    The comparisons are made once, summed by pairs of patients; a draw weights them by how often it holds each patient.
    """
    index = {patient: i for i, patient in enumerate(dict.fromkeys(patients))}
    owner = np.array([index[patient] for patient in patients])
    member = np.eye(len(index))[owner]
    wins = np.sign(score[truth][:, None] - score[~truth]) / 2 + 0.5
    wins_by_patient = member[truth].T @ wins @ member[~truth]
    positive, negative = member[truth].sum(axis=0), member[~truth].sum(axis=0)

    def statistic(drawn: np.ndarray) -> np.ndarray:
        weight = np.apply_along_axis(np.bincount, -1, drawn, minlength=len(index)).astype(float)
        pairs = (weight @ positive) * (weight @ negative)
        won = ((weight @ wins_by_patient) * weight).sum(axis=-1)
        return np.divide(won, pairs, out=np.full(np.shape(pairs), np.nan), where=pairs > 0)

    return statistic


def _whole_patients(known: Sequence[tuple[Hashable, Mapping[str, Any]]]) -> list[tuple[Hashable, dict[str, Any]]]:
    """One item per patient: scar in any of the patient's cases, the highest score."""
    whole: dict[Hashable, dict[str, Any]] = {}
    for patient, found in known:
        seen = whole.setdefault(patient, {"truth": False, "call": False, "score": -math.inf})
        for key in seen:
            seen[key] = max(seen[key], found[key])
    return list(whole.items())


def _count_empty(rows: Sequence[Mapping[str, Any]], task: str) -> dict[str, int]:
    """Cases by which of truth and prediction is empty, read off Dice, distance and volume error.

    One mask alone gives Dice 0 without a distance, and an error of the sign of the mask that is there.
    """
    counts = dict.fromkeys(("both_present", "true_negative", "false_positive", "missed", "not_annotated"), 0)
    for row in rows:
        error = row[f"volume_error_{task}_ml"]
        if math.isnan(error):
            counts["not_annotated"] += 1
        elif math.isnan(row[f"dice_{task}"]):
            counts["true_negative"] += 1
        elif not math.isnan(row[f"hd95_{task}_mm"]):
            counts["both_present"] += 1
        else:
            counts["false_positive" if error > 0 else "missed"] += 1
    return counts
