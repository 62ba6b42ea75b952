"""Neighbouring slices as channels (2.5-D)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import torch
from monai.config import KeysCollection
from monai.config.type_definitions import NdarrayOrTensor
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends, convert_to_dst_type, convert_to_tensor

__all__ = ["NeighbouringSlices", "NeighbouringSlicesd"]


class NeighbouringSlices(Transform):
    """Stack [1, X, Y, Z] -> [2 n + 1, X, Y, Z]: each slice with its n neighbours on either side as channels.

    Channel n is the slice itself; beyond the ends of the stack the outermost slice is repeated.

    Args:
        neighbours: n; 0 leaves the stack as it is.
    """

    backend = [TransformBackends.TORCH]

    def __init__(self, neighbours: int = 1) -> None:
        if neighbours < 0:
            raise ValueError(f"neighbours must not be negative, got {neighbours}.")
        self.neighbours = neighbours

    def __call__(self, img: NdarrayOrTensor) -> NdarrayOrTensor:
        """Convert ``img`` [1, X, Y, Z].

        Raises:
            ValueError: not a stack of one channel.
        """
        if img.ndim != 4 or img.shape[0] != 1:
            raise ValueError(f"expected a stack of shape [1, X, Y, Z], got {tuple(img.shape)}.")
        stack = convert_to_tensor(img, track_meta=False)[0]
        slices = torch.arange(stack.shape[-1])
        offsets = range(-self.neighbours, self.neighbours + 1)
        channels = [stack[..., (slices + k).clamp(0, len(slices) - 1)] for k in offsets]
        return convert_to_dst_type(torch.stack(channels), dst=img)[0]


class NeighbouringSlicesd(MapTransform):
    """Dictionary form of :class:`NeighbouringSlices`."""

    backend = NeighbouringSlices.backend

    def __init__(self, keys: KeysCollection, neighbours: int = 1, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.convert = NeighbouringSlices(neighbours)

    def __call__(self, data: Mapping[Hashable, NdarrayOrTensor]) -> dict[Hashable, NdarrayOrTensor]:
        d: dict = dict(data)
        for key in self.key_iterator(d):
            d[key] = self.convert(d[key])
        return d
