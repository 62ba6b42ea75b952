"""Loading state dicts."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import nn

from monai_jdl.errors import InputError


def load_weights(network: nn.Module, path: str | Path | None) -> nn.Module:
    """Load a state dict into ``network``, in place, wholly or not at all.

    Args:
        network: the network; weights of another floating-point type (fp16 files) are converted.
        path: file of a flat state dict or of ``{"model": state dict}``, tensors only (``weights_only=True``); None leaves
            the network as it is.

    Returns:
        ``network``.

    Raises:
        InputError: the file is missing, no checkpoint, or belongs to another network.
    """
    if path is None:
        return network
    if not Path(path).is_file():
        raise InputError(f"{path}: there is no such checkpoint; give the path of an existing one, or train one.")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # arbitrary bytes make the unpickler fail in arbitrary ways
        raise InputError(
            f"{path}: this is not a checkpoint of tensors (a PyTorch state dict); give another one."
        ) from error
    state = state.get("model", state) if isinstance(state, dict) else {}
    expected = network.state_dict()
    foreign = [name for name in state if name not in expected or state[name].shape != expected[name].shape]
    missing = [name for name in expected if name not in state]
    if foreign or missing:
        raise InputError(
            f"{path}: these weights belong to another network ({len(foreign)} tensors do not fit, {len(missing)} are"
            f" missing, e.g. {(foreign + missing)[0]}); use the config that they were trained with."
        )
    network.load_state_dict(state)
    return network


def frozen(network: nn.Module, part: str) -> nn.Module:
    """Keep a part of ``network`` as it is, in place: no gradients, and always in evaluation mode (batch norm, dropout).

    Args:
        network: the network.
        part: name of the submodule.

    Returns:
        ``network``.
    """
    module = network.get_submodule(part).eval().requires_grad_(False)
    module.train = lambda mode=True: module  # type: ignore[method-assign]  # the trainer asks the whole network to train
    return network


def fingerprint(path: str | Path) -> str:
    """The first twelve hexadecimal digits of the SHA-256 sum of a weight file: names a model in results.

    Raises:
        InputError: there is no such file.
    """
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give the path of existing weights.") from error
