"""The mean area under the ROC curve of several tasks, some labels of which are missing."""

from __future__ import annotations

from typing import Any

import torch
from monai.metrics import CumulativeIterationMetric, compute_roc_auc


class MeanTaskAUC(CumulativeIterationMetric):
    """The area under the ROC curve of every task, averaged over the tasks that have both classes.

    MONAI's ``ROCAUCMetric`` takes all labels as known; here NaN leaves a case out of its task. For MONAI's engines it is
    wrapped in ``monai.handlers.IgniteMetricHandler``.
    """

    def _compute_tensor(self, y_pred: torch.Tensor, y: torch.Tensor | None = None, **kwargs: Any) -> Any:
        """Keep scores [B, K], of which only the order counts, and labels [B, K], 0, 1 or NaN."""
        if y is None or y_pred.ndim != 2 or y_pred.shape != y.shape:
            raise ValueError(f"Scores and labels must both be [B, K], got {tuple(y_pred.shape)} and {y}.")
        return y_pred, y

    def aggregate(self) -> torch.Tensor:
        """The mean area; NaN where no task has both classes."""
        scores, labels = self.get_buffer()
        areas = []
        for score, label in zip(scores.T, labels.T, strict=True):
            known = ~torch.isnan(label)
            if label[known].unique().numel() == 2:
                areas.append(compute_roc_auc(score[known].double(), label[known]))
        return torch.tensor(areas, dtype=torch.float64).mean()
