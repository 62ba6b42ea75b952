"""Thresholds chosen on development data, and what they do on other cases.

A case is called positive where its probability is at least the threshold. Thresholds chosen on the cases that they are then
measured on flatter the model: choose them on development data, store the dictionary, apply it elsewhere.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monai_jdl.analysis.predictions import Predictions, proportion, ratio

SENSITIVITIES = (0.80, 0.90, 0.95, 0.99)
SHARES = ("sensitivity", "specificity", "ppv", "npv", "accuracy")


def choose_thresholds(development: Predictions) -> dict[str, float | None]:
    """The thresholds of the rules ``youden``, ``f1`` and ``sensitivity_80``, ``_90``, ``_95``, ``_99``.

    ``youden`` makes sensitivity + specificity - 1 the largest (Youden, Cancer 1950;3:32-35), ``f1`` the F1 of the positive
    class; of equals the higher sensitivity counts. ``sensitivity_90`` is the highest threshold that finds at least 90 % of
    the positive cases. A threshold lies half-way to the next lower probability, so that rounding moves no case across it.

    Args:
        development: cases that nothing will be measured on.

    Returns:
        Name -> threshold, ready for JSON; None where a class is absent.
    """
    names = ("youden", "f1", *(f"sensitivity_{100 * share:.0f}" for share in SENSITIVITIES))
    if development.reason:
        return dict.fromkeys(names)
    probability, true, false = (values[1:] for values in development.cumulative())
    lower = np.append(probability[1:], 0.0)
    middle = lower + (probability - lower) / 2
    threshold = np.where(middle > lower, middle, probability)
    sensitivity, fall_out = true / true[-1], false / false[-1]
    scores = (sensitivity - fall_out, 2 * true / (true[-1] + true + false))
    best = [len(score) - 1 - int(np.argmax(score[::-1])) for score in scores]  # the last of equals finds most
    reached = [int(np.argmax(true >= share * true[-1] - 1e-9)) for share in SENSITIVITIES]
    return {name: float(threshold[index]) for name, index in zip(names, best + reached, strict=True)}


def apply_thresholds(predictions: Predictions, thresholds: Mapping[str, float | None]) -> list[dict[str, Any]]:
    """What each threshold does on these cases, and the baseline that calls everyone negative.

    Args:
        predictions: cases that the thresholds were not chosen on.
        thresholds: of :func:`choose_thresholds`.

    Returns:
        A row per threshold and one more, ``all_negative``: ``operating_point``, ``threshold`` and :func:`call_metrics`. A
        threshold of None gives no metrics but a ``reason``.
    """
    rows = []
    for name, threshold in thresholds.items():
        row = {"operating_point": name, "threshold": threshold}
        if threshold is None:
            rows.append(row | {"reason": "no threshold: the development data lacked a class"})
        else:
            rows.append(row | call_metrics(predictions, predictions.probability >= threshold))
    nobody = np.zeros(len(predictions), dtype=bool)
    return [*rows, {"operating_point": "all_negative", "threshold": None} | call_metrics(predictions, nobody)]


def call_metrics(predictions: Predictions, call: NDArray[np.bool_]) -> dict[str, Any]:
    """How yes-or-no calls, by a threshold or by a person, agree with the truth.

    Args:
        predictions: only truth and patients are used.
        call: [n], whether each case was called positive.

    Returns:
        ``true_positive``, ``false_positive``, ``true_negative``, ``false_negative``; ``sensitivity``, ``specificity``,
        ``ppv``, ``npv`` and ``accuracy``, each with ``_ci95`` (Wilson, see
        :func:`monai_jdl.analysis.predictions.proportion`); ``f1`` with ``f1_ci95`` (BCa over patients). What divides by
        nothing is None; ``reason`` says which class is absent. PPV, NPV, accuracy and F1 hold at these cases' share of
        positives alone.
    """
    truth, everyone = predictions.truth, np.ones(len(predictions), dtype=bool)
    outcomes = np.stack([truth & call, ~truth & call, ~truth & ~call, truth & ~call])
    names = ("true_positive", "false_positive", "true_negative", "false_negative")
    result: dict[str, Any] = dict(zip(names, outcomes.sum(axis=1).tolist(), strict=True))
    right = call == truth
    for name, members in zip(SHARES, (truth, ~truth, call, ~call, everyone), strict=True):
        result[name], result[f"{name}_ci95"] = proportion(right[members], predictions.patient[members])
    if len(predictions) and not np.isnan(f1 := float(f1_score(predictions, call))):
        result |= {"f1": f1, "f1_ci95": predictions.bootstrap(lambda weight: f1_score(predictions, call, weight))}
    else:
        result |= {"f1": None, "f1_ci95": None}
    return result | ({"reason": predictions.reason} if predictions.reason else {})


def f1_score(
    predictions: Predictions, call: NDArray[np.bool_], weight: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """F1 of the positive class, 2 TP / (2 TP + FP + FN).

    Args:
        predictions: only the truth is used.
        call: [n], whether each case was called positive.
        weight: [..., n], how often each case counts.

    Returns:
        [...]; NaN where nobody is positive or called.
    """
    weight = np.ones(len(predictions)) if weight is None else weight
    return ratio(2 * weight @ (predictions.truth & call), weight @ predictions.truth + weight @ call)


def control_cohort(
    probability: ArrayLike, thresholds: Mapping[str, float | None], patients: Sequence[Hashable] | None = None
) -> list[dict[str, Any]]:
    """How often people who are known to be healthy are called positive.

    Args:
        probability: [n], 0..1, of people none of whom is positive; NaN where a page was refused.
        thresholds: of :func:`choose_thresholds`.
        patients: [n] names; by default every case is a patient's only one.

    Returns:
        A row per threshold that there is: ``operating_point``, ``threshold``, ``n``, ``missing_probabilities``,
        ``false_positive`` and ``false_positive_rate`` with ``false_positive_rate_ci95`` (Wilson).

    Raises:
        InputError: see :meth:`Predictions.from_arrays`.
    """
    controls = Predictions.from_arrays(np.zeros(np.shape(probability)), probability, patients)
    rows = []
    for name, threshold in thresholds.items():
        if threshold is not None:
            call = controls.probability >= threshold
            rate, interval = proportion(call, controls.patient)
            rows.append(
                {
                    "operating_point": name,
                    "threshold": threshold,
                    "n": len(controls),
                    "missing_probabilities": controls.missing_probabilities,
                    "false_positive": int(call.sum()),
                    "false_positive_rate": rate,
                    "false_positive_rate_ci95": interval,
                }
            )
    return rows


def threshold_curves(predictions: Predictions, thresholds: NDArray[np.float64]) -> dict[str, list[dict[str, Any]]]:
    """Sensitivity and false-positive rate at each threshold, with pointwise 95 % Wilson intervals.

    Args:
        predictions: of one task.
        thresholds: [k].

    Returns:
        ``sensitivity`` and ``false_positive_rate``: a row of ``threshold``, ``value`` and ``ci95`` for each threshold; both
        are None where the class is absent.
    """
    curves: dict[str, list[dict[str, Any]]] = {}
    for name, members in (("sensitivity", predictions.truth), ("false_positive_rate", ~predictions.truth)):
        probability, patient = predictions.probability[members], predictions.patient[members]
        shares = [(threshold, *proportion(probability >= threshold, patient)) for threshold in thresholds.tolist()]
        curves[name] = [dict(zip(("threshold", "value", "ci95"), share, strict=True)) for share in shares]
    return curves
