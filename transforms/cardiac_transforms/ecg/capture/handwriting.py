"""Handwriting on a page: words, rings around a finding, underlines, arrows, ticks, by the strokes of a pen."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw
from scipy.interpolate import CubicSpline
from torch import Tensor

from cardiac_transforms.ecg.capture.pipeline import PaperEffect
from cardiac_transforms.ecg.page_transform import RandomPageTransform, page_dictionary_form
from cardiac_transforms.image_transform import draw_range

__all__ = [
    "Handwriting",
    "HandwritingD",
    "HandwritingDict",
    "Handwritingd",
    "RandHandwriting",
    "RandHandwritingD",
    "RandHandwritingDict",
    "RandHandwritingd",
]

FINE = 3
"""Strokes are drawn so many times larger and made smaller again, for smooth edges."""
LETTERS = (
    ((0.0, 0.1), (0.4, 0.4), (0.5, 0.75), (0.25, 0.95), (0.05, 0.5), (0.3, 0.0), (0.7, 0.15)),
    ((0.0, 0.1), (0.4, 0.9), (0.45, 1.8), (0.22, 1.8), (0.15, 0.6), (0.35, 0.0), (0.6, 0.15)),
    ((0.0, 0.1), (0.25, 1.0), (0.25, 0.2), (0.45, 0.0), (0.65, 0.95), (0.65, 0.2), (0.85, 0.1)),
    ((0.0, 0.1), (0.1, 0.95), (0.12, 0.1), (0.35, 1.0), (0.5, 0.8), (0.5, 0.1), (0.7, 0.1)),
    ((0.6, 0.85), (0.2, 0.95), (0.0, 0.45), (0.25, 0.0), (0.55, 0.4), (0.62, 0.9), (0.62, 0.15), (0.85, 0.1)),
    ((0.0, 0.9), (0.1, 0.25), (0.35, 0.2), (0.55, 0.95), (0.5, -0.6), (0.2, -0.9), (0.1, -0.5), (0.65, 0.1)),
    ((0.0, 0.1), (0.25, 1.6), (0.2, 0.2), (0.45, 0.05)),
    ((0.0, 0.2), (0.3, 0.95), (0.45, 0.8), (0.15, 0.45), (0.4, 0.1), (0.05, 0.05), (0.6, 0.1)),
)
"""Control points (x, y upwards, in heights of a small letter) of joined-up letters without meaning, each one width long."""


class Handwriting(PaperEffect):
    """Strokes of a pen on the paper: smooth curves through given points.

    Args:
        strokes: of each its points ``(N, 2)``, x (right) and y (down) in lengths of the page's longer side from its centre.
        width: of the pen in the same lengths, above 0.
        colour: of the ink on white paper, RGB 0 to 255.
    """

    recorded = ("strokes",)

    def __init__(
        self,
        strokes: Sequence[Sequence[Sequence[float]] | np.ndarray] = (((-0.2, 0.0), (0.0, -0.05), (0.1, 0.05)),),
        width: float = 0.002,
        colour: Sequence[float] = (35.0, 50.0, 130.0),
    ) -> None:
        super().__init__()
        self.strokes = tuple(np.asarray(stroke, dtype=np.float32) for stroke in strokes)
        if not all(s.ndim == 2 and len(s) > 1 and s.shape[1] == 2 and np.isfinite(s).all() for s in self.strokes):
            raise ValueError("strokes must be points (x, y), two or more of each stroke.")
        if not width > 0:
            raise ValueError(f"width must be positive, got {width!r}.")
        if len(colour) != 3 or not all(0 <= value <= 255 for value in colour):
            raise ValueError(f"colour must be red, green and blue of 0 to 255, got {colour!r}.")
        self.width, self.colour = width, tuple(float(value) for value in colour)

    def mark(self, page: Tensor) -> None:
        """Each stroke in the rectangle around it, times the share of light that the ink leaves."""
        channels, height, width = page.shape
        longer = max(height, width)
        pen = max(self.width * longer, 0.5)
        left = torch.tensor(self.colour) / 255
        left = (left if channels == 3 else left.mean()[None]).view(-1, 1, 1).to(page.device)
        for stroke in self.strokes:
            curve = smooth_curve(stroke * longer + ((width - 1) / 2, (height - 1) / 2))
            low = np.maximum(np.floor(curve.min(0) - pen), 0).astype(int)
            high = np.minimum(np.ceil(curve.max(0) + pen) + 1, (width, height)).astype(int)
            if (low >= high).any():
                continue
            canvas = Image.new("L", tuple(((high - low) * FINE).tolist()))
            line = [tuple(point) for point in ((curve - low + 0.5) * FINE).tolist()]
            ImageDraw.Draw(canvas).line(line, fill=255, width=max(round(pen * FINE), 1), joint="curve")
            ink = torch.from_numpy(np.asarray(canvas.reduce(FINE), dtype=np.float32) / 255).to(page.device)
            page[:, low[1] : high[1], low[0] : high[0]].mul_(1 - ink * (1 - left))

    def severity(self) -> dict[str, float]:
        """``strokes``: how many."""
        return {"strokes": float(len(self.strokes))}


def smooth_curve(points: np.ndarray, per_point: int = 8) -> np.ndarray:
    """A cubic spline through ``points`` ``(N, 2)``, by the length between them, ``((N - 1) * per_point + 1, 2)``."""
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    place = np.concatenate([[0], np.cumsum(np.maximum(np.sqrt(steps), 1e-6))])
    fine = np.interp(np.arange((len(points) - 1) * per_point + 1) / per_point, np.arange(len(points)), place)
    return CubicSpline(place, points, bc_type="natural")(fine)


class RandHandwriting(RandomPageTransform):
    """:class:`Handwriting` of random words and marks by one pen.

    Args:
        prob: probability that the page is changed.
        words: range of the number of words, 0 and more; a number f means (0, f).
        marks: range of the number of rings, underlines, arrows and ticks; a number f means (0, f).
        size: range of the height of a small letter as a share of the page's longer side, 0.002 to 0.2; a number f means
            (0.002, f).
        colours: of pens, drawn from, RGB 0 to 255.
    """

    recorded = Handwriting.recorded

    def __init__(
        self,
        prob: float = 0.1,
        words: int | Sequence[int] = (1, 5),
        marks: int | Sequence[int] = (0, 3),
        size: float | Sequence[float] = (0.007, 0.016),
        colours: Sequence[Sequence[float]] = ((35, 50, 130), (30, 30, 35), (180, 40, 45), (50, 80, 160)),
    ) -> None:
        super().__init__(prob)
        self.words = draw_range(words, "words", low=0)
        self.marks = draw_range(marks, "marks", low=0)
        self.size = draw_range(size, "size", low=0.002, high=0.2)
        if not len(colours):
            raise ValueError("colours must be one or more.")
        self.colours = tuple(tuple(colour) for colour in colours)

    def draw(self, shape: tuple[int, int, int, int]) -> Handwriting:
        """Places and forms of words and marks, the pen and its colour."""
        longer = max(shape[1:3])
        reach = np.array([shape[2] / longer, shape[1] / longer]) / 2
        size, slant = self.R.uniform(*self.size), self.R.uniform(-0.1, 0.5)
        slope = math.radians(self.R.normal(0, 4))
        strokes = []
        for _ in range(self.R.randint(int(self.words[0]), int(self.words[1]) + 1)):
            strokes.append(self._word(size, slant, slope) + self.R.uniform(-reach, reach * (0.5, 1)))
        for _ in range(self.R.randint(int(self.marks[0]), int(self.marks[1]) + 1)):
            place = self.R.uniform(-reach, reach)
            strokes += [stroke * size * self.R.uniform(2, 6) + place for stroke in self._mark()]
        colour = self.colours[self.R.randint(len(self.colours))]
        return Handwriting(strokes, size * self.R.uniform(0.08, 0.16), colour)

    def _word(self, size: float, slant: float, slope: float) -> np.ndarray:
        """Points of a word of 3 to 9 letters from the origin on."""
        points, x = [], 0.0
        for _ in range(self.R.randint(3, 10)):
            letter = np.asarray(LETTERS[self.R.randint(len(LETTERS))]) * self.R.uniform(0.8, 1.15, size=2)
            letter = letter + self.R.normal(0, 0.05, size=letter.shape)
            points.append(letter + (x, 0))
            x = points[-1][-1, 0] + self.R.uniform(0.02, 0.2)
        word = np.concatenate(points) * size
        word[:, 0] += slant * word[:, 1]
        turn = np.array([[math.cos(slope), math.sin(slope)], [-math.sin(slope), math.cos(slope)]])
        return word * (1, -1) @ turn

    def _mark(self) -> list[np.ndarray]:
        """Strokes of a ring, an underline, an arrow or a tick, about 1 in size."""
        kind = self.R.randint(4)
        if kind == 0:
            angle = np.linspace(0, 2 * math.pi * self.R.uniform(1.0, 1.15), 14) + self.R.uniform(0, 6)
            swell = 1 + self.R.normal(0, 0.05, size=14)
            return [np.stack([np.cos(angle) * swell * self.R.uniform(0.6, 1.2), np.sin(angle) * swell * 0.7], axis=1)]
        if kind == 1:
            x = np.linspace(-1.5, 1.5, 6)
            return [np.stack([x, self.R.normal(0, 0.05, size=6)], axis=1)]
        if kind == 2:
            angle = self.R.uniform(0, 2 * math.pi)
            tip = np.array([math.cos(angle), math.sin(angle)])
            barbs = [tip - 0.4 * np.array([math.cos(angle + s), math.sin(angle + s)]) for s in (-0.5, 0.5)]
            return [np.stack([-tip, self.R.normal(0, 0.05, size=2), tip]), np.stack([barbs[0], tip, barbs[1]])]
        return [np.array([(-0.4, -0.1), (-0.1, 0.4), (0.2, -0.2), (0.8, -0.9)]) + self.R.normal(0, 0.04, size=(4, 2))]


Handwritingd = HandwritingD = HandwritingDict = page_dictionary_form(Handwriting)
RandHandwritingd = RandHandwritingD = RandHandwritingDict = page_dictionary_form(RandHandwriting)
