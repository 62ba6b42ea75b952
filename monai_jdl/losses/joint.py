"""The loss of the joint network."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.losses import DiceCELoss
from torch import nn


class JointLoss(nn.Module):
    """Weighted sum over the tasks of Dice + cross-entropy: ``L = sum_k w_k (Dice_k + CE_k)``.

    A case without a mask for a task carries NaN in that task's channel of the target and gives no loss there, so it trains
    only the other task.

    Args:
        weights: one weight per channel; the default are those of the JDL code (myocardium 1.1, scar 1).
        loss: loss of one task on [N, 1, \\*spatial] logits and masks. Default: MONAI's Dice + cross-entropy on sigmoids, the
            Dice over the whole batch, because slices without scar have none of their own.
    """

    def __init__(self, weights: Sequence[float] = (1.1, 1.0), loss: nn.Module | None = None) -> None:
        super().__init__()
        self.weights = tuple(weights)
        self.loss = DiceCELoss(sigmoid=True, batch=True) if loss is None else loss

    def forward(self, pred: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Compare ``pred`` logits [B, K, \\*spatial] with ``target`` [B, K, \\*spatial] in {0, 1} or NaN; returns a scalar.

        Raises:
            ValueError: shapes differ, or the number of channels is not that of the weights.
        """
        if pred.shape != target.shape or pred.shape[1] != len(self.weights):
            raise ValueError(
                f"pred {tuple(pred.shape)} and target {tuple(target.shape)} must agree and have {len(self.weights)} channels."
            )
        total = 0.0 * pred.sum()  # keeps every parameter in the graph when a batch has no mask for a task
        known = ~torch.isnan(target).flatten(2).any(dim=2)
        for task, weight in enumerate(self.weights):
            rows = known[:, task]
            if rows.any():
                channel = slice(task, task + 1)
                total = total + weight * self.loss(pred[rows, channel], target[rows, channel])
        return total
