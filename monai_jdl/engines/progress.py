"""What a training shows while it runs and leaves behind."""

from __future__ import annotations

import csv
from pathlib import Path

import torch
from ignite.engine import Engine, Events
from tqdm import tqdm


class TrainingProgress:
    """A progress bar with the loss, and a table of the mean loss of each epoch.

    Args:
        loss_file: CSV with the columns ``epoch, loss, learning_rate``, one line appended after each epoch; a training that
            is continued goes on in the same file.
        optimizer: whose learning rate is noted.
    """

    def __init__(self, loss_file: str | Path, optimizer: torch.optim.Optimizer) -> None:
        self.loss_file = Path(loss_file)
        self.optimizer = optimizer
        self.losses: list[float] = []
        self.bar: tqdm | None = None

    def attach(self, engine: Engine) -> None:
        """Attach to the trainer."""
        engine.add_event_handler(Events.EPOCH_STARTED, self.epoch_started)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.iteration_completed)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.epoch_completed)

    def epoch_started(self, engine: Engine) -> None:
        """Begin the bar of an epoch."""
        title = f"epoch {engine.state.epoch}/{engine.state.max_epochs}"
        self.bar = tqdm(total=engine.state.epoch_length, desc=title, leave=False)
        self.losses.clear()

    def iteration_completed(self, engine: Engine) -> None:
        """Move the bar."""
        output = engine.state.output
        self.losses.append(float((output[0] if isinstance(output, list) else output)["loss"]))
        if self.bar is not None:
            self.bar.set_postfix(loss=f"{self.losses[-1]:.3f}", refresh=False)
            self.bar.update()

    def epoch_completed(self, engine: Engine) -> None:
        """End the bar and note the mean loss."""
        if self.bar is not None:
            self.bar.close()
        self.loss_file.parent.mkdir(parents=True, exist_ok=True)
        new = engine.state.epoch == 1 or not self.loss_file.exists()
        with open(self.loss_file, "w" if new else "a", newline="") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(["epoch", "loss", "learning_rate"])
            mean = sum(self.losses) / len(self.losses)
            writer.writerow([engine.state.epoch, f"{mean:.5f}", f"{self.optimizer.param_groups[0]['lr']:.3g}"])
