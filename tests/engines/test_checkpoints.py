"""Checkpoints: what is restored, what is refused, and that a file is whole at any moment."""

import pytest
import torch
from ignite.engine import Engine, Events
from monai.optimizers import WarmupCosineSchedule
from torch import nn

from monai_jdl.engines import BestModelSaver, ResumableTraining
from monai_jdl.errors import InputError, find_input_error


def trainer(network: nn.Module, path, stop_after: int | None = None) -> Engine:
    """An engine that adds 1 to the weights in each iteration and may break off after some epochs."""

    def step(engine, batch):
        with torch.no_grad():
            network.weight += 1

    engine = Engine(step)
    engine.state.rank = 0
    ResumableTraining(path, {"network": network}).attach(engine)
    if stop_after:

        @engine.on(Events.EPOCH_COMPLETED(once=stop_after))
        def kill():
            raise KeyboardInterrupt

    return engine


def network() -> nn.Linear:
    net = nn.Linear(1, 1)
    nn.init.zeros_(net.weight)
    return net


def test_an_interrupted_training_ends_where_an_uninterrupted_one_does(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        trainer(network(), tmp_path / "last.pt", stop_after=3).run(range(5), max_epochs=7)
    resumed = network()
    engine = trainer(resumed, tmp_path / "last.pt")
    seen = []
    engine.add_event_handler(Events.EPOCH_STARTED, lambda: seen.append(engine.state.epoch))
    engine.run(range(5), max_epochs=7)
    assert seen == [4, 5, 6, 7] and engine.state.iteration == 35
    assert resumed.weight.item() == 35


def test_a_finished_training_is_not_overwritten_but_goes_on_with_more_epochs(tmp_path):
    trainer(network(), tmp_path / "last.pt").run(range(5), max_epochs=2)
    with pytest.raises(InputError, match="finished its 2 epochs"):
        trainer(network(), tmp_path / "last.pt").run(range(5), max_epochs=2)
    more = network()
    trainer(more, tmp_path / "last.pt").run(range(5), max_epochs=3)
    assert more.weight.item() == 15


def test_a_schedule_that_is_made_longer_goes_on_falling(tmp_path):
    def run(epochs: int) -> float:
        net = network()
        optimizer = torch.optim.SGD(net.parameters(), lr=1.0)
        schedule = WarmupCosineSchedule(optimizer, warmup_steps=1, t_total=5 * epochs)

        def step(engine, batch):
            optimizer.step()
            schedule.step()

        engine = Engine(step)
        engine.state.rank = 0
        ResumableTraining(tmp_path / "last.pt", {"optimizer": optimizer, "schedule": schedule}).attach(engine)
        engine.run(range(5), max_epochs=epochs)
        return optimizer.param_groups[0]["lr"]

    assert run(2) < 0.1
    assert run(4) < 0.1


@pytest.mark.parametrize("content", [b"half a file", {"epoch": 1, "iteration": 5, "network": {"bias": torch.zeros(9)}}])
def test_a_damaged_or_foreign_checkpoint_is_refused(tmp_path, content):
    path = tmp_path / "last.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(Exception) as error:
        trainer(network(), path).run(range(5), max_epochs=3)
    plain = find_input_error(error.value)
    assert isinstance(plain, InputError) and str(path) in str(plain)


def test_writing_fails_without_harm_to_the_file_before(tmp_path, monkeypatch):
    engine = trainer(network(), tmp_path / "last.pt")
    engine.run(range(5), max_epochs=1)
    before = (tmp_path / "last.pt").read_bytes()

    def half(state, path):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(OSError):
        trainer(network(), tmp_path / "last.pt").run(range(5), max_epochs=2)
    assert (tmp_path / "last.pt").read_bytes() == before


def evaluator(net: nn.Module, path, scores) -> tuple[Engine, BestModelSaver]:
    engine = Engine(lambda engine, batch: None)
    engine.state.rank, engine.state.key_metric_name, engine.state.metrics = 0, "dice", {}
    remaining = iter(scores)

    @engine.on(Events.EPOCH_COMPLETED)
    def score():
        engine.state.metrics["dice"] = next(remaining)
        nn.init.constant_(net.weight, engine.state.metrics["dice"])

    saver = BestModelSaver(path, net)
    saver.attach(engine)
    return engine, saver


def test_the_best_weights_are_kept_over_a_restart(tmp_path):
    path = tmp_path / "model.pt"
    engine, saver = evaluator(network(), path, [0.25, 0.75, 0.5])
    engine.run(range(1), max_epochs=3)
    assert torch.load(path, weights_only=True)["weight"].item() == 0.75
    engine, after = evaluator(network(), path, [0.5])
    after.load_state_dict(saver.state_dict())
    engine.run(range(1), max_epochs=1)
    assert torch.load(path, weights_only=True)["weight"].item() == 0.75


def test_a_score_that_is_not_a_number_saves_nothing(tmp_path):
    engine, _ = evaluator(network(), tmp_path / "model.pt", [float("nan")])
    engine.run(range(1), max_epochs=1)
    assert not (tmp_path / "model.pt").exists()
