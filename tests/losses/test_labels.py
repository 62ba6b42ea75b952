"""Losses of labels: balance, and labels that are missing."""

import math

import numpy as np
import pytest
import torch

from monai_jdl.losses import JointLoss, label_losses

LABELS = [np.array([1.0, np.nan]), np.array([0.0, np.nan]), np.array([0.0, 1.0]), np.array([0.0, 1.0])]


def test_positive_cases_weigh_as_much_as_negative_ones():
    rare, single = label_losses(LABELS, balanced=True)
    logits, truth = torch.zeros(4, 1), torch.tensor([[1.0], [0.0], [0.0], [0.0]])
    # the one positive counts as the three negatives do
    assert float(rare(logits, truth)) == pytest.approx(math.log(2) * 6 / 4)
    positive, negative = (float(rare(torch.tensor([[z]]), torch.tensor([[y]]))) for z, y in ((2.0, 1.0), (-2.0, 0.0)))
    assert positive == pytest.approx(3 * negative)
    assert float(single(logits[:1], truth[:1])) == pytest.approx(math.log(2))  # one class: nothing to balance


def test_unbalanced_is_plain_cross_entropy():
    logits = torch.tensor([[0.3, -1.0], [2.0, 0.5]])
    truth = torch.tensor([[1.0, 0.0], [0.0, torch.nan]])
    expected = (math.log1p(math.exp(-0.3)) + math.log1p(math.exp(2.0))) / 2 + math.log1p(math.exp(-1.0))
    assert float(JointLoss((1.0, 1.0), label_losses(LABELS))(logits, truth)) == pytest.approx(expected, rel=1e-5)
