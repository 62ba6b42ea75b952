"""Millimetre grids painted pixel by pixel from a known map, for the tests of finding them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class View:
    """How a camera sees a sheet: pixels to millimetres in closed form.

    Attributes:
        shape: (height, width) of the picture.
        pixels_per_mm: at its centre.
        angle: rotation in degrees.
        tilt: relative change of the scale from the centre to the border, along x and along y.
        bend: depth in mm of a wave across the sheet.
    """

    shape: tuple[int, int]
    pixels_per_mm: float = 5.0
    angle: float = 0.0
    tilt: tuple[float, float] = (0.0, 0.0)
    bend: float = 0.0

    def to_mm(self, points: np.ndarray) -> np.ndarray:
        """Millimetres ``[..., 2]`` of pixels ``[..., 2]`` (x, y)."""
        height, width = self.shape
        x, y = np.moveaxis(points - [width / 2, height / 2], -1, 0)
        turn = np.exp(-1j * np.deg2rad(self.angle))
        flat = (x + 1j * y) * turn / self.pixels_per_mm
        depth = 1 + self.tilt[0] * x / (width / 2) + self.tilt[1] * y / (height / 2)
        u, v = flat.real / depth, flat.imag / depth
        v = v + self.bend * np.cos(2 * np.pi * u / 200)
        return np.stack([u + 201.7, v + 101.2], axis=-1)

    def pixels(self) -> np.ndarray:
        """All pixels ``[H, W, 2]`` (x, y)."""
        return np.stack(np.meshgrid(*(np.arange(n, dtype=float) for n in self.shape[::-1])), axis=-1)

    def places(self, count: int = 9, margin: int = 30) -> np.ndarray:
        """Pixels ``[count^2, 2]`` spread over the picture."""
        xs, ys = (np.linspace(margin, n - 1 - margin, count) for n in self.shape[::-1])
        return np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)


def paint(
    view: View,
    colour: Colour = (235, 150, 150),
    paper: Colour = (255, 248, 244),
    *,
    thin: float = 0.5,
    thick: float = 1.0,
    dots: bool = False,
    families: tuple[int, ...] = (0, 1),
    noise: float = 2.0,
    seed: int = 0,
) -> np.ndarray:
    """A picture uint8 ``[H, W, 3]`` of a grid.

    Args:
        view: where its millimetres lie.
        colour: of the thick lines.
        paper: colour between the lines.
        thin: strength of the lines every millimetre, 0 for none.
        thick: strength of the lines every 5 mm, 0 for none.
        dots: the thin lines are rows of dots.
        families: upright lines (0), level lines (1).
        noise: standard deviation in grey levels.
        seed: of the noise.
    """
    places = view.to_mm(view.pixels())
    pixel = 1 / view.pixels_per_mm

    def line(values: np.ndarray, spacing: float, width: float) -> np.ndarray:
        distance = (values + spacing / 2) % spacing - spacing / 2
        blur = np.hypot(width / 3, 0.5 * pixel)  # smooth enough not to alias
        return np.exp(-0.5 * (distance / blur) ** 2) * (width / 3 / blur)

    ink = np.zeros(view.shape)
    ones = [line(places[..., k], 1.0, 0.2) for k in (0, 1)]
    if dots:
        ink = np.maximum(ink, thin * ones[0] * ones[1])
    for k in families:
        if not dots:
            ink = np.maximum(ink, thin * ones[k])
        ink = np.maximum(ink, thick * line(places[..., k], 5.0, 0.3))
    image = np.array(paper) + ink[..., None] * (np.array(colour) - paper)
    image = image + np.random.default_rng(seed).normal(0, noise, image.shape)
    return image.round().clip(0, 255).astype(np.uint8)


def error(found: np.ndarray, true: np.ndarray, spacing: float = 5.0) -> float:
    """Root mean square distance in mm of ``[N, 2]`` places, up to whole lines."""
    difference = found - true
    shift = spacing * np.round(np.median(difference, axis=0) / spacing)
    return float(np.sqrt(((difference - shift) ** 2).sum(axis=1).mean()))
