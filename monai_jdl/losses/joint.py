"""The loss of networks with several tasks: masks or labels, some of them missing."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.losses import DiceCELoss
from torch import nn


class JointLoss(nn.Module):
    """Weighted sum of the tasks' losses, by default of Dice + cross-entropy: ``L = sum_k w_k (Dice_k + CE_k)``.

    A case without a mask (or label) for a task carries NaN in that task's channel of the target and gives no loss there, so
    it trains only the other task.

    Args:
        weights: one weight per channel; the default are those of the JDL code (myocardium 1.1, scar 1).
        loss: loss of one task on [N, 1, \\*spatial] logits and targets, or one loss for each task, e.g. ``BCEWithLogitsLoss``
            with each task's own ``pos_weight`` for labels [N, 1]. Default: MONAI's Dice + cross-entropy on sigmoids, the
            Dice over the whole batch, because slices without scar have none of their own.

    Raises:
        ValueError: there are not as many losses as weights.
    """

    def __init__(
        self, weights: Sequence[float] = (1.1, 1.0), loss: nn.Module | Sequence[nn.Module] | None = None
    ) -> None:
        super().__init__()
        self.weights = tuple(weights)
        if loss is None:
            loss = DiceCELoss(sigmoid=True, batch=True)
        self.losses = nn.ModuleList([loss] * len(self.weights) if isinstance(loss, nn.Module) else loss)
        if len(self.losses) != len(self.weights):
            raise ValueError(f"There are {len(self.losses)} losses for {len(self.weights)} weights; give one each.")

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
        known = ~torch.isnan(target).reshape(*target.shape[:2], -1).any(dim=2)
        for task, (weight, loss) in enumerate(zip(self.weights, self.losses, strict=True)):
            rows = known[:, task]
            if rows.any():
                channel = slice(task, task + 1)
                total = total + weight * loss(pred[rows, channel], target[rows, channel])
        return total
