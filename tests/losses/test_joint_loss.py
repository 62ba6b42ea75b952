"""The joint loss: weights, missing masks, and the value in closed form."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_jdl.losses import JointLoss


def target(batch: int = 3) -> torch.Tensor:
    return (torch.rand(batch, 2, 8, 8, generator=torch.Generator().manual_seed(1)) > 0.5).float()


def test_closed_form_at_probability_one_half():
    truth = target(1)
    share = truth.flatten(2).mean(-1)[0]
    # Dice = 1 - 2 * 0.5 n / (0.5 N + n), cross-entropy = ln 2
    expected = sum(w * (1 - s / (0.5 + s) + math.log(2)) for w, s in zip((1.1, 1.0), share, strict=True))
    assert JointLoss()(torch.zeros(1, 2, 8, 8), truth) == pytest.approx(float(expected), abs=1e-4)


def test_right_answer_has_no_loss_and_wrong_answer_much():
    truth = target()
    logits = (2 * truth - 1) * 30
    assert JointLoss()(logits, truth) < 1e-3 < 10 < JointLoss()(-logits, truth)


@settings(deadline=None, max_examples=20)
@given(missing=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1)), max_size=6))
def test_missing_masks_give_no_gradient(missing):
    truth, logits = target(), torch.randn(3, 2, 8, 8, requires_grad=True)
    for row, task in missing:
        truth[row, task] = torch.nan
    loss = JointLoss()(logits, truth)
    loss.backward()
    assert torch.isfinite(loss)
    absent = torch.zeros(3, 2, dtype=torch.bool)
    for row, task in missing:
        absent[row, task] = True
    size = logits.grad.abs().flatten(2).sum(-1)
    assert (size[absent] == 0).all() and (size[~absent] > 0).all()


def test_one_task_is_weighted_as_asked():
    truth, logits = target(), torch.randn(3, 2, 8, 8)
    both, myocardium, scar = (JointLoss(w)(logits, truth) for w in ((2.0, 3.0), (1.0, 0.0), (0.0, 1.0)))
    torch.testing.assert_close(both, 2 * myocardium + 3 * scar)


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="channels"):
        JointLoss()(torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4))


def test_labels_with_a_loss_of_their_own_for_each_task():
    logits = torch.tensor([[0.0, 2.0], [1.0, -1.0], [-1.0, 0.0]])
    labels = torch.tensor([[1.0, torch.nan], [0.0, 1.0], [torch.nan, 0.0]])
    losses = [torch.nn.BCEWithLogitsLoss(pos_weight=torch.tensor(w)) for w in (3.0, 1.0)]
    # -log p of what is true, the first task's positives counting thrice
    scar = (3 * math.log(2) + math.log(1 + math.e)) / 2
    lvef = (math.log(1 + math.e) + math.log(2)) / 2
    assert JointLoss((0.7, 0.3), losses)(logits, labels) == pytest.approx(0.7 * scar + 0.3 * lvef, rel=1e-5)
    with pytest.raises(ValueError, match="1 losses for 2 weights"):
        JointLoss((0.7, 0.3), losses[:1])
