"""A model beside people who read the same cases."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from monai_jdl.analysis.operating_points import call_metrics
from monai_jdl.analysis.predictions import Predictions, ratio
from monai_jdl.errors import InputError


def compare_reader(
    truth: ArrayLike,
    probability: ArrayLike,
    call: ArrayLike,
    threshold: float | None = None,
    patients: Sequence[Hashable] | None = None,
) -> dict[str, Any]:
    """A reader's calls against the model's, on the cases that the reader read.

    Args:
        truth: [n], 0 or 1, NaN where missing.
        probability: [n], of the model.
        call: [n], 0 or 1 by the reader, NaN where not read.
        threshold: the model's, chosen on development data; None compares along the ROC curve alone.
        patients: [n] names; by default every case is a patient's only one.

    Returns:
        The counts; ``reader``: :func:`call_metrics` of the calls; ``sensitivity_at_reader_specificity``: the model's, the
        highest at a specificity that is at least the reader's, with ``model``, ``difference`` (model - reader) and
        ``difference_ci95`` (BCa over patients, cases drawn for both together); ``specificity_at_reader_sensitivity``
        likewise; these use the model's best threshold for the comparison, one that nobody could have known before. With a
        ``threshold``, ``model``: its call metrics, and ``at_threshold``: for ``sensitivity`` and ``specificity`` the
        ``difference``, its interval and ``p`` of McNemar's exact test (Psychometrika 1947;12:153-157), which is None where
        patients have several cases. None with a ``reason`` where a class is absent.

    Raises:
        InputError: a call is neither 0 nor 1, or see :meth:`Predictions.from_arrays`.
    """
    labels, scores, read = (np.asarray(values, dtype=float) for values in (truth, probability, call))
    if read.shape != labels.shape:
        raise InputError(
            f"call {list(read.shape)} and truth {list(labels.shape)} differ; give one call for every case."
        )
    if (wrong := read[~np.isnan(read) & (read != 0) & (read != 1)]).size:
        raise InputError(f"call: {wrong[0]:g} is neither 0 nor 1; leave cases that were not read empty.")
    seen = ~np.isnan(read)
    names = list(range(len(labels)) if patients is None else patients)
    known = seen & ~np.isnan(labels) & ~np.isnan(scores)
    predictions = Predictions.from_arrays(labels[seen], scores[seen], [names[i] for i in np.flatnonzero(seen)])
    calls = read[known] == 1
    result: dict[str, Any] = {**predictions.counts(), "not_read": int((~seen).sum())}
    result["reader"] = call_metrics(predictions, calls)
    for name in ("sensitivity_at_reader_specificity", "specificity_at_reader_sensitivity"):
        result[name] = None if predictions.reason else _along_the_curve(predictions, calls, name)
    if threshold is not None:
        model = predictions.probability >= threshold
        result["model"] = call_metrics(predictions, model)
        result["at_threshold"] = {
            "sensitivity": _paired(predictions, model, calls, predictions.truth),
            "specificity": _paired(predictions, ~model, ~calls, ~predictions.truth),
        }
    return result


def _along_the_curve(predictions: Predictions, call: NDArray[np.bool_], name: str) -> dict[str, Any]:
    """The model's share of one class called right where it is as good as the reader on the other class."""
    truth = predictions.truth

    def shares(weight: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        _, true, false = predictions.cumulative(weight)
        positives, negatives = weight @ truth, weight @ ~truth
        found, cleared = weight @ (truth & call), weight @ (~truth & ~call)
        kept = negatives[..., None] - false
        if name == "sensitivity_at_reader_specificity":
            best, reader, total = np.where(kept >= cleared[..., None], true, 0), found, positives
        else:
            best, reader, total = np.where(true >= found[..., None], kept, 0), cleared, negatives
        return ratio(best.max(axis=-1), total), ratio(reader, total)

    model, reader = (float(share) for share in shares(np.ones(len(predictions))))

    def difference(weight: NDArray[np.float64]) -> NDArray[np.float64]:
        model_share, reader_share = shares(weight)
        return model_share - reader_share

    return {"model": model, "difference": model - reader, "difference_ci95": predictions.bootstrap(difference)}


def _paired(
    predictions: Predictions, model: NDArray[np.bool_], reader: NDArray[np.bool_], members: NDArray[np.bool_]
) -> dict[str, Any]:
    """Difference of the shares of members called right, from calls that are right [n]."""
    cases = predictions.select(members)
    if not len(cases):
        return {"difference": None, "difference_ci95": None, "p": None}
    gain = model[members].astype(float) - reader[members]
    better, worse = int((gain > 0).sum()), int((gain < 0).sum())
    p = float(stats.binomtest(better, better + worse).pvalue) if better + worse else 1.0
    return {
        "difference": float(gain.mean()),
        "difference_ci95": cases.bootstrap(lambda weight: weight @ gain / weight.sum(axis=-1)),
        "p": p if cases.patients == len(cases) else None,
    }
