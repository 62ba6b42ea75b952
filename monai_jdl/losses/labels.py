"""Losses of labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn


def label_losses(labels: Sequence[ArrayLike], balanced: bool = False) -> list[nn.Module]:
    """Binary cross-entropy on logits for each task, for :class:`monai_jdl.losses.JointLoss`.

    Args:
        labels: of the training cases, [K] each, 0, 1, or NaN where missing.
        balanced: weigh positive cases of a task as if they were half of all. What is rare is then found more often, but the
            probabilities are those of a balanced cohort.

    Returns:
        K losses of logits [N, 1].
    """
    losses: list[nn.Module] = []
    for task in np.asarray(labels, dtype=float).T:
        positive, negative = int((task == 1).sum()), int((task == 0).sum())
        weight = negative / positive if balanced and positive and negative else 1.0
        losses.append(nn.BCEWithLogitsLoss(pos_weight=torch.tensor(weight)))
    return losses
