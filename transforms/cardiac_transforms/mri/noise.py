"""Noise of magnitude images at a stated signal-to-noise ratio."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from cardiac_transforms.image_transform import ImageTransform, RandomImageTransform, dictionary_form, draw_range
from cardiac_transforms.mri.kernels.noise import magnitude_noise, reference_signal

__all__ = [
    "MagnitudeNoise",
    "MagnitudeNoiseD",
    "MagnitudeNoiseDict",
    "MagnitudeNoised",
    "RandMagnitudeNoise",
    "RandMagnitudeNoiseD",
    "RandMagnitudeNoiseDict",
    "RandMagnitudeNoised",
]


class MagnitudeNoise(ImageTransform):
    """Noise of a magnitude image: Rician for one receiver channel, non-central chi for the root sum of squares of several.

    The noise is added to what the image already has, independently in every channel and voxel, with one SD all over a channel.
    Its mean in air is not zero (1.25 sigma for one coil). Negative values (PSIR) come back as magnitude.

    Args:
        snr: signal / sigma, above 0, with sigma the SD of the real (and of the imaginary) noise of one coil.
        coils: number of receiver channels, 1 or more.
        seed: of the noise. The same seed, shape and dtype give the same noise on a device; GPU and CPU differ.
        signal: the signal that ``snr`` refers to, in units of the image; ``None``: of each channel the intensity-weighted
            mean ``sum I^2 / sum |I|``, which is the mean tissue signal however much air surrounds it.

    Reference:
        Gudbjartsson and Patz, Magn Reson Med 1995;34:910-914; Constantinides et al., Magn Reson Med 1997;38:852-857.
    """

    def __init__(self, snr: float = 20.0, coils: int = 1, seed: int = 0, signal: float | None = None) -> None:
        super().__init__()
        if not snr > 0:
            raise ValueError(f"snr must be positive, got {snr!r}.")
        if coils < 1 or coils != int(coils):
            raise ValueError(f"coils must be a whole number of at least 1, got {coils!r}.")
        if signal is not None and not (signal >= 0 and math.isfinite(signal)):
            raise ValueError(f"signal must not be negative, got {signal!r}.")
        self.snr, self.coils, self.seed, self.signal = snr, int(coils), seed, signal

    def apply(self, image: Tensor, spacing: tuple[float, float, float] | None, **companions: Tensor) -> Tensor:
        """The noisy magnitude image."""
        signal = reference_signal(image) if self.signal is None else self.signal
        return magnitude_noise(
            image, signal / self.snr, self.coils, torch.Generator(image.device).manual_seed(self.seed)
        )


class RandMagnitudeNoise(RandomImageTransform):
    """:class:`MagnitudeNoise` of a random signal-to-noise ratio. Only a seed is kept, so a replay costs no memory.

    Args:
        prob: probability that the image is changed.
        snr: range, above 0.
        coils: as in :class:`MagnitudeNoise`.
        signal: as in :class:`MagnitudeNoise`.
    """

    def __init__(
        self,
        prob: float = 0.1,
        snr: Sequence[float] = (10.0, 40.0),
        coils: int = 1,
        signal: float | None = None,
    ) -> None:
        super().__init__(prob)
        self.snr = draw_range(snr, "snr", low=1e-3)
        self.coils, self.signal = MagnitudeNoise(self.snr[0], coils, signal=signal).coils, signal

    def draw(self, shape: tuple[int, int, int, int]) -> MagnitudeNoise:
        """A ratio, uniform in the range, and a seed."""
        return MagnitudeNoise(self.R.uniform(*self.snr), self.coils, int(self.R.randint(2**31)), self.signal)


MagnitudeNoised = MagnitudeNoiseD = MagnitudeNoiseDict = dictionary_form(MagnitudeNoise)
RandMagnitudeNoised = RandMagnitudeNoiseD = RandMagnitudeNoiseDict = dictionary_form(RandMagnitudeNoise)
