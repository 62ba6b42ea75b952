"""Lens and sensor: defocus and motion blur, noise, and the moire of a photographed screen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from cardiac_transforms.ecg.capture.pipeline import OpticsEffect, SensorEffect
from cardiac_transforms.ecg.page_transform import RandomPageTransform, page_dictionary_form
from cardiac_transforms.image_transform import draw_range

__all__ = [
    "Moire",
    "MoireD",
    "MoireDict",
    "Moired",
    "PageBlur",
    "PageBlurD",
    "PageBlurDict",
    "PageBlurd",
    "RandMoire",
    "RandMoireD",
    "RandMoireDict",
    "RandMoired",
    "RandPageBlur",
    "RandPageBlurD",
    "RandPageBlurDict",
    "RandPageBlurd",
    "RandSensorNoise",
    "RandSensorNoiseD",
    "RandSensorNoiseDict",
    "RandSensorNoised",
    "SensorNoise",
    "SensorNoiseD",
    "SensorNoiseDict",
    "SensorNoised",
]

NOISE_SAMPLES = 1 << 22
"""Length of the stretch of normal numbers that all noise is cut from."""


class PageBlur(OpticsEffect):
    """Blur of a lens out of focus and of a hand that moves.

    Args:
        sigma: of the Gaussian blur, pixels of the picture, 0 to 6.
        motion: length of the path of the camera during the exposure, pixels, 0 to 30.
        direction: of that path, degrees from x (right) towards y (down).
    """

    recorded = ("sigma", "motion")

    def __init__(self, sigma: float = 1.0, motion: float = 0.0, direction: float = 0.0) -> None:
        super().__init__()
        if not 0 <= sigma <= 6:
            raise ValueError(f"sigma must be 0 to 6 pixels, got {sigma!r}.")
        if not 0 <= motion <= 30:
            raise ValueError(f"motion must be 0 to 30 pixels, got {motion!r}.")
        self.sigma, self.motion, self.direction = sigma, motion, direction

    def taps(self) -> list[list[tuple[int, int, float]]]:
        """Gaussian down, Gaussian across, path."""
        found: list[list[tuple[int, int, float]]] = []
        # below a third of a pixel the samples of a Gaussian are one pixel
        if self.sigma > 0.3:
            reach = max(1, math.ceil(2.5 * self.sigma - 0.5))
            weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / self.sigma) ** 2)
            weights /= weights.sum()
            found.append([(k - reach, 0, float(w)) for k, w in enumerate(weights)])
            found.append([(0, k - reach, float(w)) for k, w in enumerate(weights)])
        if self.motion > 0:
            path: dict[tuple[int, int], float] = {}
            steps = math.ceil(self.motion) + 1
            for along in np.linspace(-self.motion / 2, self.motion / 2, steps):
                down, right = (along * f(math.radians(self.direction)) for f in (math.sin, math.cos))
                for row in (math.floor(down), math.floor(down) + 1):
                    for column in (math.floor(right), math.floor(right) + 1):
                        weight = (1 - abs(down - row)) * (1 - abs(right - column)) / steps
                        path[row, column] = path.get((row, column), 0.0) + weight
            found.append([(row, column, weight) for (row, column), weight in path.items() if weight > 1e-6])
        return found

    def severity(self) -> dict[str, float]:
        """``sigma`` and ``motion`` in pixels."""
        return {"sigma": float(self.sigma), "motion": float(self.motion)}


class RandPageBlur(RandomPageTransform):
    """:class:`PageBlur` of random strength and direction.

    Args:
        prob: probability that the page is changed.
        sigma: range of the Gaussian blur in pixels, 0 to 6; a number f means (0, f).
        motion: range of the length of the camera's path in pixels, 0 to 30; a number f means (0, f).
    """

    recorded = PageBlur.recorded

    def __init__(
        self,
        prob: float = 0.1,
        sigma: float | Sequence[float] = (0.3, 1.5),
        motion: float | Sequence[float] = (0.0, 0.0),
    ) -> None:
        super().__init__(prob)
        self.sigma = draw_range(sigma, "sigma", low=0, high=6)
        self.motion = draw_range(motion, "motion", low=0, high=30)

    def draw(self, shape: tuple[int, int, int, int]) -> PageBlur:
        """Both blurs and the direction."""
        return PageBlur(self.R.uniform(*self.sigma), self.R.uniform(*self.motion), self.R.uniform(0, 180))


class SensorNoise(SensorEffect):
    """Noise of an image sensor: its variance grows with the light.

    The SD at a value v is ``sqrt(read^2 + shot^2 * v / 255)``, independent in every pixel and channel.

    Args:
        shot: SD on white in grey levels, of the photons.
        read: SD on black in grey levels, of the electronics.
        seed: of the noise.

    Reference:
        Foi et al., IEEE Trans Image Process 2008;17:1737-1754.
    """

    recorded = ("shot", "read")

    def __init__(self, shot: float = 4.0, read: float = 1.5, seed: int = 0) -> None:
        super().__init__()
        if not (shot >= 0 and read >= 0):
            raise ValueError(f"shot and read must not be negative, got {shot!r} and {read!r}.")
        self.shot, self.read_out, self.seed = shot, read, seed

    def read(self, band: Tensor, start: int, size: tuple[int, int]) -> None:
        """Add the noise; every band and channel gets another stretch of one long row of normal numbers."""
        count = band[0].numel()
        samples = normal_samples()
        if count > NOISE_SAMPLES:
            samples = samples.repeat(1 + count // NOISE_SAMPLES)
        generator = np.random.Generator(np.random.PCG64([self.seed, start]))
        for channel in band:
            offset = int(generator.integers(len(samples) - count + 1))
            noise = samples[offset : offset + count]
            deviation = channel.mul(self.shot**2 / 255).add_(self.read_out**2).clamp_(min=0).sqrt_()
            channel.addcmul_(deviation, noise.view_as(channel).to(channel.device))

    def severity(self) -> dict[str, float]:
        """``shot`` and ``read`` in grey levels."""
        return {"shot": float(self.shot), "read": float(self.read_out)}


@lru_cache(maxsize=1)
def normal_samples() -> Tensor:
    """:data:`NOISE_SAMPLES` normal numbers, float32, always the same; not to be written to."""
    return torch.randn(NOISE_SAMPLES, generator=torch.Generator().manual_seed(0))


class RandSensorNoise(RandomPageTransform):
    """:class:`SensorNoise` of random strength.

    Args:
        prob: probability that the page is changed.
        shot: range of the SD on white in grey levels; a number f means (0, f).
        read: range of the SD on black in grey levels; a number f means (0, f).
    """

    recorded = SensorNoise.recorded

    def __init__(
        self,
        prob: float = 0.1,
        shot: float | Sequence[float] = (1.0, 8.0),
        read: float | Sequence[float] = (0.5, 3.0),
    ) -> None:
        super().__init__(prob)
        self.shot = draw_range(shot, "shot", low=0)
        self.read = draw_range(read, "read", low=0)

    def draw(self, shape: tuple[int, int, int, int]) -> SensorNoise:
        """Both strengths and a seed."""
        return SensorNoise(self.R.uniform(*self.shot), self.R.uniform(*self.read), int(self.R.randint(2**31 - 1)))


class Moire(SensorEffect):
    """Moire of a photographed screen: the grid of its red, green and blue stripes, sampled by the grid of the sensor.

    What is left of the screen's grid after sampling are waves of low frequency. Each is given by its period, direction and
    bending; the three colours lie a third of the screen's pitch apart, so their waves are 120 degrees apart. The gain of a
    colour is ``1 + strength * mean over waves of cos(phase)``, with a phase that is the sum of a quadratic function of x and
    one of y, so a wave costs one product of a column with a row.

    Args:
        waves: of each its period in pixels (above 2), direction in degrees from x towards y, and bending: by how many
            periods the phase departs from a plane wave at the edges of the picture.
        strength: 0 to 1.
        colour: share of the waves that is coloured; at 0 all three colours have the same phase.

    Reference:
        Amidror, The Theory of the Moire Phenomenon, vol I, 2nd ed., Springer 2009.
    """

    recorded = ("strength",)

    def __init__(
        self,
        waves: Sequence[Sequence[float]] = ((14.0, 20.0, 6.0), (9.0, 100.0, -5.0)),
        strength: float = 0.12,
        colour: float = 0.6,
    ) -> None:
        super().__init__()
        if not waves or not all(len(wave) == 3 and wave[0] > 2 for wave in waves):
            raise ValueError(f"waves must be (period above 2 pixels, direction, bending) each, got {waves!r}.")
        if not (0 <= strength <= 1 and 0 <= colour <= 1):
            raise ValueError(f"strength and colour must be 0 to 1, got {strength!r} and {colour!r}.")
        self.waves = tuple((float(a), float(b), float(c)) for a, b, c in waves)
        self.strength, self.colour = strength, colour

    def read(self, band: Tensor, start: int, size: tuple[int, int]) -> None:
        """Multiply by ``1 + strength * waves``; a cosine of a sum is two products of a column with a row."""
        height, width = size
        y = torch.arange(start, start + band.shape[1], dtype=torch.float32)
        x = torch.arange(width, dtype=torch.float32)
        columns, rows = [], []
        for period, direction, bending in self.waves:
            turn = 2 * math.pi / period
            phase_x = (
                turn * math.cos(math.radians(direction)) * x + 2 * math.pi * bending * (2 * x / width - 1).square()
            )
            phase_y = (
                turn * math.sin(math.radians(direction)) * y - 2 * math.pi * bending * (2 * y / height - 1).square()
            )
            columns += [phase_y.cos(), -phase_y.sin()]
            rows.append(phase_x)
        down = torch.stack(columns, dim=1).to(band.device)
        for index, channel in enumerate(band):
            apart = 2 * math.pi / 3 * index * self.colour
            across = torch.stack([f(phase + apart) for phase in rows for f in (torch.cos, torch.sin)]).to(band.device)
            channel.mul_(
                torch.addmm(torch.ones(1, 1, device=band.device), down, across, alpha=self.strength / len(rows))
            )

    def severity(self) -> dict[str, float]:
        """``strength`` as given."""
        return {"strength": float(self.strength)}


class RandMoire(RandomPageTransform):
    """:class:`Moire` of a random screen: two to four waves.

    Args:
        prob: probability that the page is changed.
        strength: range, 0 to 1; a number f means (0, f).
        period: range of the waves' periods in pixels, from 2.5; a number f means (2.5, f).
    """

    recorded = Moire.recorded

    def __init__(
        self,
        prob: float = 0.1,
        strength: float | Sequence[float] = (0.03, 0.2),
        period: float | Sequence[float] = (3.0, 40.0),
    ) -> None:
        super().__init__(prob)
        self.strength = draw_range(strength, "strength", low=0, high=1)
        self.period = draw_range(period, "period", low=2.5)

    def draw(self, shape: tuple[int, int, int, int]) -> Moire:
        """The waves, strength and colour; periods are spread evenly in their logarithm."""
        low, high = np.log(self.period)
        waves = [
            (math.exp(self.R.uniform(low, high)), self.R.uniform(0, 180), self.R.uniform(-12, 12))
            for _ in range(self.R.randint(2, 5))
        ]
        return Moire(waves, self.R.uniform(*self.strength), self.R.uniform(0.2, 1))


PageBlurd = PageBlurD = PageBlurDict = page_dictionary_form(PageBlur)
RandPageBlurd = RandPageBlurD = RandPageBlurDict = page_dictionary_form(RandPageBlur)
SensorNoised = SensorNoiseD = SensorNoiseDict = page_dictionary_form(SensorNoise)
RandSensorNoised = RandSensorNoiseD = RandSensorNoiseDict = page_dictionary_form(RandSensorNoise)
Moired = MoireD = MoireDict = page_dictionary_form(Moire)
RandMoired = RandMoireD = RandMoireDict = page_dictionary_form(RandMoire)
