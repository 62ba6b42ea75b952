"""Checkpoints that survive a kill at any moment.

MONAI's CheckpointSaver deletes the old file before it writes the new one in place, so a kill can leave none or half a file;
here a new file replaces the old one in a single step.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events

from monai_jdl.errors import InputError


def save_whole(state: Mapping[str, Any], path: Path) -> None:
    """Write ``state`` to ``path`` by way of a temporary file beside it, so that ``path`` is always whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    torch.save(dict(state), temporary)
    temporary.replace(path)


def bare(network: torch.nn.Module) -> torch.nn.Module:
    """The network itself where it is wrapped for several GPUs."""
    return network.module if isinstance(network, torch.nn.parallel.DistributedDataParallel) else network


class BestModelSaver:
    """Attached to the evaluator: writes the network as a flat state dict whenever its key metric is better than ever.

    The best score belongs to the state of a training (:class:`ResumableTraining`): else the first validation after a
    restart would overwrite a better model.

    Args:
        path: the file.
        network: what to save.
    """

    def __init__(self, path: str | Path, network: torch.nn.Module) -> None:
        self.path = Path(path)
        self.network = network
        self.best = -float("inf")

    def attach(self, engine: Engine) -> None:
        """Attach to the evaluator."""
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Save the network if it is better."""
        score = float(engine.state.metrics[engine.state.key_metric_name])
        if score > self.best:
            self.best = score
            if engine.state.rank == 0:
                save_whole(bare(self.network).state_dict(), self.path)
            engine.logger.info(f"New best {engine.state.key_metric_name} {score:.4f}: saved {self.path}")

    def state_dict(self) -> dict[str, Any]:
        """The best score so far."""
        return {"best": self.best}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore the best score."""
        self.best = state["best"]


class ResumableTraining:
    """Writes the whole state of a training after each epoch, and continues from it when the same training is started again.

    A training that had reached its last epoch is not continued but begun anew. The file is replaced in one step, so that a
    kill at any moment leaves a whole one.

    Args:
        path: checkpoint file.
        objects: name -> object with ``state_dict`` and ``load_state_dict``: network, optimizer, scheduler, saver...; the
            trainer's own counters are added.
    """

    def __init__(self, path: str | Path, objects: Mapping[str, Any]) -> None:
        self.path = Path(path)
        self.objects = dict(objects)

    def attach(self, engine: Engine) -> None:
        """Attach to the trainer."""
        engine.add_event_handler(Events.STARTED, self.restore)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.save)

    def restore(self, engine: Engine) -> None:
        """Load the checkpoint, if there is an unfinished one.

        Raises:
            InputError: the file is damaged or belongs to another configuration.
        """
        if not self.path.is_file():
            return
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
            if state["epoch"] >= (engine.state.max_epochs or 0):
                return
            for name, value in self.objects.items():
                value.load_state_dict(state[name])
        except Exception as error:
            raise InputError(
                f"{self.path}: cannot continue from this checkpoint ({error.__class__.__name__}: it is damaged or belongs to"
                " another configuration); delete it to start anew, or choose another --output_dir."
            ) from error
        engine.state.epoch = state["epoch"]
        engine.state.iteration = state["iteration"]
        engine.logger.info(f"Continuing after epoch {state['epoch']} from {self.path}.")

    def save(self, engine: Engine) -> None:
        """Write the checkpoint (on the first rank only)."""
        if engine.state.rank > 0:
            return
        state = {name: value.state_dict() for name, value in self.objects.items()}
        save_whole(state | {"epoch": engine.state.epoch, "iteration": engine.state.iteration}, self.path)
