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
from torch.nn.parallel import DistributedDataParallel
from torch.optim.lr_scheduler import LRScheduler

from monai_jdl.atomic import atomic_path
from monai_jdl.errors import InputError


def bare(value: Any) -> Any:
    """The network itself where ``value`` is one wrapped for several GPUs, else ``value``."""
    return value.module if isinstance(value, DistributedDataParallel) else value


class BestModelSaver:
    """Attached to the evaluator: writes the network as a flat state dict whenever its key metric is better than ever.

    The best score belongs to the state of a training (:class:`ResumableTraining`): else the first validation after a
    restart would overwrite a better model.

    Args:
        path: the file.
        network: what to save.

    Attributes:
        improved: whether the last validation was the best so far, so that its network was saved.
    """

    def __init__(self, path: str | Path, network: torch.nn.Module) -> None:
        self.path = Path(path)
        self.network = network
        self.best = -float("inf")
        self.improved = False

    def attach(self, engine: Engine) -> None:
        """Attach to the evaluator."""
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Save the network if it is better."""
        score = float(engine.state.metrics[engine.state.key_metric_name])
        self.improved = score > self.best
        if self.improved:
            self.best = score
            if engine.state.rank == 0:
                with atomic_path(self.path) as temporary:
                    torch.save(bare(self.network).state_dict(), temporary)
            engine.logger.info(f"New best {engine.state.key_metric_name} {score:.4f}: saved {self.path}")

    def state_dict(self) -> dict[str, Any]:
        """The best score so far."""
        return {"best": self.best}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore the best score."""
        self.best = state["best"]


class ResumableTraining:
    """Writes the whole state of a training after each epoch, and continues from it when the same training is started again.

    The file is replaced in one step, so that a kill at any moment leaves a whole one. How far a learning-rate schedule has
    come is part of the state, how long it is belongs to the config: a training that is given more epochs decays over them.

    Args:
        path: checkpoint file.
        objects: name -> object with ``state_dict`` and ``load_state_dict``: network, optimizer, scheduler, saver...; the
            trainer's own counters are added.
    """

    def __init__(self, path: str | Path, objects: Mapping[str, Any]) -> None:
        self.path = Path(path)
        self.objects = {name: bare(value) for name, value in objects.items()}

    def attach(self, engine: Engine) -> None:
        """Attach to the trainer."""
        engine.add_event_handler(Events.STARTED, self.restore)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.save)

    def restore(self, engine: Engine) -> None:
        """Load the checkpoint, if there is one.

        Raises:
            InputError: the file is damaged, belongs to another configuration, or to a training that is finished.
        """
        if not self.path.is_file():
            return
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
            epoch, iteration = int(state["epoch"]), int(state["iteration"])
            for name, value in self.objects.items():
                value.load_state_dict(state[name])
        except Exception as error:
            raise InputError(
                f"{self.path}: cannot continue from this checkpoint ({error.__class__.__name__}: it is damaged or belongs to"
                " another configuration); delete it to start anew, or choose another --output_dir."
            ) from error
        if epoch >= (engine.state.max_epochs or 0):
            raise InputError(
                f"{self.path}: this training has finished its {epoch} epochs; give more --epochs to go on, another"
                " --output_dir, or delete the file to start anew."
            )
        engine.state.epoch, engine.state.iteration = epoch, iteration
        engine.logger.info(f"Continuing after epoch {epoch} from {self.path}.")

    def save(self, engine: Engine) -> None:
        """Write the checkpoint (on the first rank only)."""
        if engine.state.rank > 0:
            return
        state = {name: _progress(value) for name, value in self.objects.items()}
        with atomic_path(self.path) as temporary:
            torch.save(state | {"epoch": engine.state.epoch, "iteration": engine.state.iteration}, temporary)


def _progress(value: Any) -> dict[str, Any]:
    """The state of ``value``; of a schedule only how far it has come, not its length."""
    state = value.state_dict()
    if isinstance(value, LRScheduler):
        return {key: state[key] for key in ("last_epoch", "_step_count", "_last_lr", "lr_lambdas") if key in state}
    return state
