"""Spikes in k-space (herringbone artefact)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from cardiac_transforms.image_transform import ImageTransform, RandomImageTransform, dictionary_form, draw_range
from cardiac_transforms.mri.kernels.spikes import add_spikes

__all__ = [
    "KSpaceSpikes",
    "KSpaceSpikesD",
    "KSpaceSpikesDict",
    "KSpaceSpikesd",
    "RandKSpaceSpikes",
    "RandKSpaceSpikesD",
    "RandKSpaceSpikesDict",
    "RandKSpaceSpikesd",
]


class KSpaceSpikes(ImageTransform):
    """Spikes in k-space: each lays a plane wave over the image; the magnitude is returned.

    One corrupted sample of a complex image is a complex wave, so a single spike gives one family of stripes. The image is taken
    to have phase zero: its values swing by the wave or by the signal, whichever is smaller, so air without noise turns evenly
    grey, but a noise floor is striped like tissue, which random phase would prevent; put
    :class:`~cardiac_transforms.mri.RandMagnitudeNoise` after this. The wave's size is relative to the k-space centre of the
    same slice: the result scales with the image, and a stack is its slices one by one. Negative values (PSIR) come back as
    magnitude.

    Args:
        positions: ``(kx, ky)`` of each spike in cycles per voxel, -0.5 to 0.5; the nearest sample of k-space is taken.
        intensity: magnitude of the spike relative to the k-space centre, 0 or more, which is the wave's amplitude relative to
            the slice's mean; one number or one for each spike.
        phases: radians at the first voxel; one number or one for each spike.
        slices: indices of the slices that are hit; ``None``: all.
    """

    def __init__(
        self,
        positions: Sequence[Sequence[float]] = ((0.1, 0.15),),
        intensity: float | Sequence[float] = 0.5,
        phases: float | Sequence[float] = 0.0,
        slices: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        self.positions = np.asarray(positions, dtype=float)
        if self.positions.ndim != 2 or self.positions.shape[1] != 2 or not (np.abs(self.positions) <= 0.5).all():
            raise ValueError(f"positions must be pairs (kx, ky) within -0.5 to 0.5, got {positions!r}.")
        self.slices = None if slices is None else list(slices)
        for name, value in (("intensity", intensity), ("phases", phases)):
            if np.shape(value) not in ((), (len(self.positions),)) or not np.isfinite(value).all():
                raise ValueError(
                    f"{name} must be a number, or one for each of {len(self.positions)} positions: {value!r}."
                )
        if np.min(intensity) < 0:
            raise ValueError(f"intensity must not be negative, got {intensity!r}.")
        self.intensity = np.broadcast_to(intensity, len(self.positions)).astype(float)
        self.phases = np.broadcast_to(phases, len(self.positions)).astype(float)

    def apply(self, image: Tensor, spacing: tuple[float, float, float] | None, **companions: Tensor) -> Tensor:
        """The magnitude of image and waves.

        Raises:
            ValueError: ``slices`` names one that the image has not.
        """
        lines = np.rint(self.positions * image.shape[1:3]).astype(int)
        spikes = [torch.from_numpy(values).to(image.device) for values in (lines, self.intensity, self.phases)]
        if self.slices is None:
            return add_spikes(image, *spikes)
        if not all(-image.shape[3] <= z < image.shape[3] for z in self.slices):
            raise ValueError(f"slices must be within the image's {image.shape[3]} slices, got {self.slices}.")
        out = image.abs()
        out[..., self.slices] = add_spikes(image[..., self.slices], *spikes)
        return out


class RandKSpaceSpikes(RandomImageTransform):
    """:class:`KSpaceSpikes` at random places.

    Args:
        prob: probability that the image is changed.
        intensity: range of the magnitude relative to the k-space centre; a number f means (0, f).
        count: range of the number of spikes; a number n means (1, n).
        frequency: range of the distance from the k-space centre in cycles per voxel, up to 0.5.
        one_slice: ``False``: the same spikes in every slice (a lasting source); ``True``: one slice, drawn.
    """

    def __init__(
        self,
        prob: float = 0.1,
        intensity: float | Sequence[float] = (0.2, 1.0),
        count: int | Sequence[int] = (1, 3),
        frequency: float | Sequence[float] = (0.05, 0.5),
        one_slice: bool = False,
    ) -> None:
        super().__init__(prob)
        self.intensity = draw_range(intensity, "intensity", low=0)
        self.count = draw_range(count, "count", low=1)
        self.frequency = draw_range(frequency, "frequency", low=0, high=0.5)
        self.one_slice = one_slice

    def draw(self, shape: tuple[int, int, int, int]) -> KSpaceSpikes:
        """Number, places (uniform in direction and distance), sizes, phases and, if asked for, the slice."""
        count = int(self.R.randint(int(self.count[0]), int(self.count[1]) + 1))
        direction, phases = self.R.uniform(0, 2 * math.pi, size=(2, count))
        distance = self.R.uniform(*self.frequency, size=count)
        positions = np.stack([distance * np.cos(direction), distance * np.sin(direction)], axis=1)
        intensity = self.R.uniform(*self.intensity, size=count)
        slices = [int(self.R.randint(shape[3]))] if self.one_slice else None
        return KSpaceSpikes(positions.tolist(), intensity.tolist(), phases.tolist(), slices)


KSpaceSpikesd = KSpaceSpikesD = KSpaceSpikesDict = dictionary_form(KSpaceSpikes)
RandKSpaceSpikesd = RandKSpaceSpikesD = RandKSpaceSpikesDict = dictionary_form(RandKSpaceSpikes)
