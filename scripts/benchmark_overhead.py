"""What a training step costs through the bundle, against the bare step on the same batch.

Bare: forward, loss, backward and optimiser step on one batch that lies in memory. Bundle: the whole training loop of
train.yaml, data loaded and augmented by one worker, preprocessing cached, handlers attached. One compute thread, wall clock,
medians; bare and bundle steps alternate in blocks, so that a busy machine slows both.

    python scripts/benchmark_overhead.py [--patients 16] [--blocks 4] [--steps 24]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch
from ignite.engine import Engine, Events
from monai.bundle import ConfigParser

from monai_jdl import bundles
from monai_jdl.data import write_phantoms
from monai_jdl.phantoms import simulate


class StepTimer:
    """Collects the wall-clock time from the end of one iteration to the end of the next, within an epoch."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.last: float | None = None

    def attach(self, engine: Engine) -> None:
        """Attach to the trainer."""
        engine.add_event_handler(Events.EPOCH_STARTED, self.begin)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.lap)

    def begin(self) -> None:
        """The first iteration of an epoch waits for the worker to fill its queue, and is not counted."""
        self.last = None

    def lap(self) -> None:
        """Note a step."""
        now = time.perf_counter()
        if self.last is not None:
            self.times.append(now - self.last)
        self.last = now


def bare_steps(network: torch.nn.Module, loss, optimizer, inferer, batch: dict, count: int) -> list[float]:
    """Time ``count`` steps on one batch."""
    times = []
    network.train()
    for _ in range(count):
        begin = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss(inferer(batch["image"], network), batch["label"]).backward()
        optimizer.step()
        times.append(time.perf_counter() - begin)
    return times


def main() -> None:
    """Run the benchmark and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=16, help="phantom patients to train on")
    parser.add_argument("--blocks", type=int, default=4, help="alternating blocks of bare and bundle steps")
    parser.add_argument("--steps", type=int, default=24, help="steps per block")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        patients = [simulate(seed) for seed in range(arguments.patients)]
        write_phantoms(Path(folder) / "data", {"training": patients[:-1], "validation": patients[-1:]})
        config = ConfigParser()
        config.read_config(bundles.find("lge_scar_jdl") / "configs" / "train.yaml")
        config.update({"dataset_dir": f"{folder}/data", "output_dir": folder, "val_interval": 10**6, "device": "cpu"})
        config.update({"validate#handlers": [], "epochs": 10**4})
        trainer = config.get_parsed_content("train#trainer")
        parts = [config.get_parsed_content(name) for name in ("network", "loss", "optimizer", "train#inferer")]
        batch = next(iter(config.get_parsed_content("train#dataloader")))
        timer, bare = StepTimer(), []
        timer.attach(trainer)
        loader_length = len(config.get_parsed_content("train#dataloader"))
        bare_steps(*parts, batch, 3)
        for block in range(arguments.blocks):
            bare += bare_steps(*parts, batch, arguments.steps)
            epochs = -(-arguments.steps // loader_length)
            trainer.state.max_epochs = (block + 1) * epochs
            trainer.run()
    alone, through = statistics.median(bare), statistics.median(timer.times)
    print(f"bare step    {1e3 * alone:8.1f} ms  (median of {len(bare)})")
    print(f"bundle step  {1e3 * through:8.1f} ms  (median of {len(timer.times)})")
    print(f"ratio        {through / alone:8.3f}")


if __name__ == "__main__":
    main()
