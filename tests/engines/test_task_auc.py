"""The mean AUC of tasks some of whose labels are missing."""

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from monai.handlers import IgniteMetricHandler, from_engine
from sklearn.metrics import roc_auc_score

from monai_jdl.engines import MeanTaskAUC
from monai_jdl.errors import InputError


def data(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = (torch.rand(60, 2, generator=generator) < 0.4).float()
    scores = labels + torch.randn(60, 2, generator=generator)
    labels[torch.rand(60, 2, generator=generator) < 0.3] = torch.nan
    return scores, labels


def test_missing_labels_are_left_out_of_their_task():
    scores, labels = data()
    metric = MeanTaskAUC()
    for part in torch.arange(60).split(7):
        metric(scores[part], labels[part])
    areas = []
    for task in (0, 1):
        known = ~torch.isnan(labels[:, task])
        areas.append(roc_auc_score(labels[known, task], scores[known, task]))
    assert float(metric.aggregate()) == pytest.approx(np.mean(areas), abs=1e-6)


def test_a_task_without_both_classes_does_not_count():
    scores, labels = data()
    labels[:, 1] = torch.nan
    metric = MeanTaskAUC()
    metric(scores, labels)
    alone = float(metric.aggregate())
    labels[:5, 1] = 1.0
    metric.reset()
    metric(scores, labels)
    assert float(metric.aggregate()) == alone
    metric.reset()
    metric(scores, torch.full_like(labels, torch.nan))
    with pytest.raises(InputError, match="of no task that is trained"):
        metric.aggregate()


def test_tasks_count_as_their_weights_say():
    scores, labels = data()

    def mean(*weights: float) -> float:
        metric = MeanTaskAUC(weights)
        metric(scores, labels)
        return float(metric.aggregate())

    assert mean(3.0, 1.0) == pytest.approx(0.75 * mean(1.0, 0.0) + 0.25 * mean(0.0, 1.0), abs=1e-6)
    assert mean(1.0, 0.0) != mean(0.0, 1.0)


def test_it_is_a_metric_of_monais_engines():
    scores, labels = data()
    batches = [
        [{"pred": s, "label": y} for s, y in zip(scores[part], labels[part], strict=True)]
        for part in torch.arange(60).split(16)
    ]
    engine = Engine(lambda engine, batch: batch)
    IgniteMetricHandler(MeanTaskAUC(), output_transform=from_engine(["pred", "label"])).attach(engine, "auc")
    state = engine.run(batches)
    metric = MeanTaskAUC()
    metric(scores, labels)
    assert float(state.metrics["auc"]) == pytest.approx(float(metric.aggregate()))


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"\[B, K\]"):
        MeanTaskAUC()(torch.zeros(3, 2), torch.zeros(3, 1))
