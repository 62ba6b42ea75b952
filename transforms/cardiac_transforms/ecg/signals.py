"""Transforms of twelve leads, ``(12, T)`` mV, NaN where nothing is known: windows, errors of reading, the canonical page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from monai.config.type_definitions import NdarrayOrTensor
from monai.data import MetaTensor
from scipy import ndimage
from torch import Tensor

from cardiac_transforms.ecg.canonical import canonical_page
from cardiac_transforms.ecg.leads import LEADS
from cardiac_transforms.image_transform import (
    ImageTransform,
    RandomImageTransform,
    _OneImage,
    dictionary_form,
    draw_range,
)

__all__ = [
    "DrawCanonicalPage",
    "DrawCanonicalPageD",
    "DrawCanonicalPageDict",
    "DrawCanonicalPaged",
    "ECGReadingErrors",
    "ECGReadingErrorsD",
    "ECGReadingErrorsDict",
    "ECGReadingErrorsd",
    "ECGWindow",
    "ECGWindowD",
    "ECGWindowDict",
    "ECGWindowd",
    "RandECGReadingErrors",
    "RandECGReadingErrorsD",
    "RandECGReadingErrorsDict",
    "RandECGReadingErrorsd",
    "RandECGWindow",
    "RandECGWindowD",
    "RandECGWindowDict",
    "RandECGWindowd",
]


class _OneECG(_OneImage):
    """Twelve leads in; twelve leads, or a page of them, out."""

    def _run(
        self, img: NdarrayOrTensor, transform: ImageTransform | None, companions: dict[str, Any]
    ) -> NdarrayOrTensor:
        out = super()._run(_as_image(img, type(self).__name__), transform, companions)
        out = out[..., 0] if out.shape[-1] == 1 else out
        if isinstance(out, MetaTensor):
            out.affine = out.affine  # MONAI counts the spatial axes anew: leads have one, a page of them two
        return out


class SignalTransform(_OneECG, ImageTransform):
    """A deterministic transform of twelve leads ``(12, T)`` in mV, NaN where nothing is known.

    Numpy arrays, tensors and MetaTensors come in; out comes a MetaTensor (a tensor where MONAI does not track metadata). A
    floating type is kept; integers become float32. The input is not changed.
    """

    def __init__(self) -> None:
        super().__init__()

    def leads(self, signals: np.ndarray) -> np.ndarray:
        """The result, ``(12, T')`` or a page ``(C, H, W)``, of ``(12, T)``, which is not to be written to."""
        raise NotImplementedError

    def apply(self, image: Tensor, spacing: tuple[float, float, float] | None, **companions: Tensor) -> Tensor:
        """The same with the axes that the base wants."""
        out = torch.from_numpy(np.ascontiguousarray(self.leads(image[..., 0, 0].cpu().numpy())))
        return out.to(image).reshape(*out.shape, *[1] * (4 - out.ndim))


class RandomSignalTransform(_OneECG, RandomImageTransform):
    """A random transform of twelve leads: draws a :class:`SignalTransform` and applies it.

    Args:
        prob: probability that the leads are changed, 0 to 1.
    """

    def __init__(self, prob: float = 0.1) -> None:
        super().__init__(prob)

    def randomize(self, data: NdarrayOrTensor) -> None:
        """Draw whether, and how, leads like ``data`` are changed."""
        super().randomize(_as_image(data, type(self).__name__))


def _as_image(img: NdarrayOrTensor, name: str) -> NdarrayOrTensor:
    """``(12, T)`` as ``(12, T, 1)``."""
    if isinstance(img, np.ndarray | Tensor) and (img.ndim != 2 or img.shape[0] != len(LEADS)):
        raise ValueError(f"{name} expects twelve leads (12, T), got shape {tuple(img.shape)}.")
    return img[..., None] if isinstance(img, np.ndarray | Tensor) else img


class ECGWindow(SignalTransform):
    """As many seconds of every lead, from the first on that are known of it.

    Leads that a page shows one after the other so come to lie beside each other. Where a lead is shorter, NaN follows.

    Args:
        seconds: length of the result.
        place: where in what is known of a lead the window lies, 0 (its first seconds) to 1 (its last), of all leads or of each
            of the twelve. Leads that are known for the same time and have the same place stay simultaneous.
        rate: Hz.
    """

    def __init__(self, seconds: float = 2.5, place: float | Sequence[float] = 0.0, rate: float = 500.0) -> None:
        super().__init__()
        self.places = np.broadcast_to(np.asarray(place, dtype=float), len(LEADS))
        if not (seconds > 0 and rate > 0 and (self.places >= 0).all() and (self.places <= 1).all()):
            raise ValueError(f"seconds and rate must be above 0, place 0 to 1, got {seconds!r}, {rate!r}, {place!r}.")
        self.seconds, self.rate = float(seconds), float(rate)

    def leads(self, signals: np.ndarray) -> np.ndarray:
        """The windows, ``(12, seconds * rate)``."""
        length = round(self.seconds * self.rate)
        out = np.full((len(signals), length), np.nan, signals.dtype)
        for target, signal, place in zip(out, signals, self.places, strict=True):
            known = np.flatnonzero(np.isfinite(signal))
            if known.size:
                slack = max(0, int(known[-1]) + 1 - int(known[0]) - length)
                piece = signal[int(known[0]) + round(place * slack) :][:length]
                target[: piece.size] = piece
        return out


class RandECGWindow(RandomSignalTransform):
    """A window of every lead at a random place; without luck (``prob``) the first seconds: see :class:`ECGWindow`.

    Args:
        prob: probability that the place is drawn.
        seconds, rate: as in :class:`ECGWindow`.
        columns: of the pages that the leads shall look like, one of which is drawn. The leads of a column are simultaneous,
            those of different columns are not: 1 (all leads at once, as recorded), 2 (limb and precordial leads) or 4 (I to
            III, aVR to aVF, V1 to V3, V4 to V6).
    """

    def __init__(
        self, prob: float = 1.0, seconds: float = 2.5, rate: float = 500.0, columns: Sequence[int] = (1,)
    ) -> None:
        super().__init__(prob)
        self.first = ECGWindow(seconds, 0.0, rate)
        self.columns = tuple(columns)
        if not self.columns or not set(self.columns) <= {1, 2, 4}:
            raise ValueError(f"columns must be among 1, 2 and 4, got {columns!r}.")

    def draw(self, shape: tuple[int, int, int, int]) -> ECGWindow:
        """Draw the places."""
        columns = self.columns[self.R.randint(len(self.columns))] if len(self.columns) > 1 else self.columns[0]
        places = np.repeat(self.R.uniform(size=columns), len(LEADS) // columns).tolist()
        return ECGWindow(self.first.seconds, places, self.first.rate)

    def __call__(self, img: NdarrayOrTensor, randomize: bool = True, **companions: Any) -> NdarrayOrTensor:
        """Cut the windows; with ``randomize=False`` at the place drawn last."""
        if randomize:
            self.randomize(img)
        return self._run(img, self.drawn if self._do_transform else self.first, companions)


class ECGReadingErrors(SignalTransform):
    """What reading a page adds to its signals: errors of scale and level, blunt peaks, gaps, leads that were not found.

    A cheap stand-in, for training, for printing, photographing and reading each ECG anew
    (:mod:`cardiac_transforms.ecg.capture`, :mod:`cardiac_transforms.ecg.reading`).

    Args:
        severity: 0 (none) to 1.
        seed: of what differs from lead to lead.
        rate: Hz.
    """

    recorded = ("severity",)

    def __init__(self, severity: float = 0.5, seed: int = 0, rate: float = 500.0) -> None:
        super().__init__()
        if not (0 <= severity <= 1 and rate > 0):
            raise ValueError(f"severity must be 0 to 1 and rate above 0, got {severity!r}, {rate!r}.")
        self.grade, self.seed, self.rate = float(severity), int(seed), float(rate)

    def severity(self) -> dict[str, float]:
        """The severity."""
        return {"severity": self.grade}

    def leads(self, signals: np.ndarray) -> np.ndarray:
        """The leads as they might have been read, ``(12, T)``."""
        rng, s = np.random.default_rng(self.seed), self.grade
        length = signals.shape[1]
        # one ruler for the page: gain and paper speed are wrong in all leads alike
        gain, speed = np.exp(rng.normal(0.0, 0.04 * s)), np.exp(rng.normal(0.0, 0.02 * s))
        places = np.clip((np.arange(length) + 0.5) * speed - 0.5, 0, length - 1)
        out = np.full_like(signals, np.nan)
        for lead, signal in enumerate(signals):
            known = np.isfinite(signal)
            lost = rng.uniform() < 0.03 * s
            width, level, tilt = rng.exponential(0.004 * s), rng.normal(0.0, 0.06 * s), rng.normal(0.0, 0.1 * s)
            peak, gaps = rng.uniform(1.0 - 0.4 * s, 1.0), rng.poisson(1.5 * s)
            begins, lengths = rng.uniform(0, length, gaps), rng.uniform(0.02, 0.12, gaps) * self.rate
            if lost or not known.any():
                continue
            line = np.interp(np.arange(length), np.flatnonzero(known), signal[known])
            if width > 0:
                line = ndimage.gaussian_filter1d(line, width * self.rate)
            if peak < 0.9:  # thin tips of high waves are what a camera loses first
                middle = np.median(line)
                reach = peak * np.abs(line - middle).max()
                line = np.clip(line, middle - reach, middle + reach)
            keep = np.ones(length, bool)
            for begin, size in zip(begins, lengths, strict=True):
                keep[round(begin) : round(begin + size)] = False
            if keep.any():
                line = np.interp(np.arange(length), np.flatnonzero(keep), line[keep])
            line = gain * np.interp(places, np.arange(length), line) + level + tilt * np.linspace(-0.5, 0.5, length)
            out[lead] = np.where(known[np.round(places).astype(int)], line, np.nan)
        return out


class RandECGReadingErrors(RandomSignalTransform):
    """:class:`ECGReadingErrors` of random severity.

    Args:
        prob: probability that there are any.
        severity: range to draw it from, within 0 to 1.
        rate: Hz.
    """

    recorded = ("severity",)

    def __init__(self, prob: float = 0.1, severity: float | Sequence[float] = (0.0, 1.0), rate: float = 500.0) -> None:
        super().__init__(prob)
        self.severity = draw_range(severity, "severity", 0.0, 1.0)
        self.rate = rate

    def draw(self, shape: tuple[int, int, int, int]) -> ECGReadingErrors:
        """Draw the severity and what else is random."""
        return ECGReadingErrors(float(self.R.uniform(*self.severity)), int(self.R.randint(2**31)), self.rate)


class DrawCanonicalPage(SignalTransform):
    """The leads drawn on the canonical page ``(C, H, W)``, 0 (ink) to 255: :func:`~cardiac_transforms.ecg.canonical_page`.

    Args:
        pixels_per_mm: of the page; 4 gives 600 x 500 pixels.
        rate: Hz.
        channels: 1, or 3 that are alike for networks that expect colours.
    """

    def __init__(self, pixels_per_mm: float = 4.0, rate: float = 500.0, channels: int = 3) -> None:
        super().__init__()
        if not (math.isfinite(pixels_per_mm) and pixels_per_mm > 0 and rate > 0):
            raise ValueError(f"pixels_per_mm and rate must be above 0, got {pixels_per_mm!r}, {rate!r}.")
        if channels not in (1, 3):
            raise ValueError(f"channels must be 1 or 3, got {channels!r}.")
        self.pixels_per_mm, self.channels, self.rate = float(pixels_per_mm), channels, float(rate)

    def leads(self, signals: np.ndarray) -> np.ndarray:
        """The page."""
        return canonical_page(signals, self.rate, self.pixels_per_mm)[: self.channels]


ECGWindowd = ECGWindowD = ECGWindowDict = dictionary_form(ECGWindow)
RandECGWindowd = RandECGWindowD = RandECGWindowDict = dictionary_form(RandECGWindow)
ECGReadingErrorsd = ECGReadingErrorsD = ECGReadingErrorsDict = dictionary_form(ECGReadingErrors)
RandECGReadingErrorsd = RandECGReadingErrorsD = RandECGReadingErrorsDict = dictionary_form(RandECGReadingErrors)
DrawCanonicalPaged = DrawCanonicalPageD = DrawCanonicalPageDict = dictionary_form(DrawCanonicalPage)
