"""The mean area under the ROC curve of several tasks, some labels of which are missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from monai.metrics import CumulativeIterationMetric, compute_roc_auc

from monai_jdl.errors import InputError


class MeanTaskAUC(CumulativeIterationMetric):
    """The area under the ROC curve of every task, averaged over the tasks that have both classes.

    MONAI's ``ROCAUCMetric`` takes all labels as known; here NaN leaves a case out of its task. For MONAI's engines it is
    wrapped in ``monai.handlers.IgniteMetricHandler``.

    Args:
        weights: of the tasks in the mean, e.g. those of their losses; alike by default.
    """

    def __init__(self, weights: Sequence[float] | None = None) -> None:
        super().__init__()
        self.weights = weights

    def _compute_tensor(self, y_pred: torch.Tensor, y: torch.Tensor | None = None, **kwargs: Any) -> Any:
        """Keep scores [B, K], of which only the order counts, and labels [B, K], 0, 1 or NaN."""
        if y is None or y_pred.ndim != 2 or y_pred.shape != y.shape:
            raise ValueError(f"Scores and labels must both be [B, K], got {tuple(y_pred.shape)} and {y}.")
        return y_pred, y

    def aggregate(self) -> torch.Tensor:
        """The mean area.

        Raises:
            InputError: no task that counts has both classes.
        """
        scores, labels = self.get_buffer()
        weights = [1.0] * scores.shape[1] if self.weights is None else self.weights
        total = area = 0.0
        for score, label, weight in zip(scores.T, labels.T, weights, strict=True):
            known = ~torch.isnan(label)
            if weight and label[known].unique().numel() == 2:
                area += weight * float(compute_roc_auc(score[known].double(), label[known]))
                total += weight
        if not total:
            raise InputError(
                "The ECGs for validation have a positive and a negative case of no task that is trained, so that the best"
                " network cannot be told; move some there (column split) or leave the split to be drawn."
            )
        return torch.tensor(area / total)
