"""Whether acting on the model does more good than treating everyone or nobody."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monai_jdl.analysis.predictions import Predictions

THRESHOLDS = np.linspace(0.01, 0.99, 99)


def net_benefit(
    predictions: Predictions, thresholds: NDArray[np.float64] = THRESHOLDS
) -> list[dict[str, float | None]]:
    """The decision curve: net benefit in true positives per case (Vickers and Elkin, Med Decis Making 2006;26:565-574).

    It is TP / n - FP / n * t / (1 - t): at the threshold t one false positive weighs t / (1 - t) of a true one.
    Probabilities have to be calibrated for it to mean anything, and it holds at these cases' prevalence alone.

    Args:
        predictions: of one task.
        thresholds: [k], above 0 and below 1.

    Returns:
        A row per threshold: ``threshold``, ``net_benefit``, ``treat_all``, ``treat_none`` (0); None without cases.
    """
    truth, cases = predictions.truth, max(len(predictions), 1)
    rows = []
    for threshold in thresholds.tolist():
        odds, call = threshold / (1 - threshold), predictions.probability >= threshold
        benefit = float((truth & call).sum() - odds * (~truth & call).sum()) / cases
        everyone = float(truth.sum() - odds * (~truth).sum()) / cases
        known = len(predictions) > 0
        rows.append(
            {
                "threshold": threshold,
                "net_benefit": benefit if known else None,
                "treat_all": everyone if known else None,
                "treat_none": 0.0,
            }
        )
    return rows
