"""The page laid flat: a picture resampled so that the grid is axis-parallel and a millimetre has a fixed size."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional

from cardiac_transforms.ecg.reading.grid import PageGrid

PIXELS_PER_MM = 8.0
"""Resolution of rectified pages."""
_MESH_MM = 4.0
"""Spacing of the points whose place in the picture is computed; between them it is interpolated."""
_MARGIN_MM = 25.0
"""How far beyond the grid the paper is followed, for what is printed there."""
_STROKE_MM = 3.0
"""Wider than any stroke of a trace or letter."""


@dataclass(frozen=True)
class RectifiedPage:
    """A page as it was printed.

    Attributes:
        image: uint8 ``[H, W, 3]``, white where the picture shows nothing.
        valid: bool ``[H, W]``: where the picture shows the grid, and no finger, desk or label lies over it.
        pixels_per_mm: along both axes.
        grid_origin: (x, y) in pixels of a crossing of lines (thick ones where the grid has some).
        corner_mm: (u, v) in mm on the grid of the top left pixel.
        grid: the map between picture and paper.
        turns: quarter turns, anticlockwise, by which the page was turned upright after it had been laid flat.
    """

    image: np.ndarray
    valid: np.ndarray
    pixels_per_mm: float
    grid_origin: tuple[float, float]
    corner_mm: tuple[float, float]
    grid: PageGrid
    turns: int = 0

    def turned(self, turns: int) -> RectifiedPage:
        """The page after ``turns`` quarter turns anticlockwise."""
        image, valid = (np.ascontiguousarray(np.rot90(a, turns)) for a in (self.image, self.valid))
        x, y = _turn(np.array([self.grid_origin]), turns, self.image.shape[:2])[0]
        return replace(self, image=image, valid=valid, grid_origin=(float(x), float(y)), turns=(self.turns + turns) % 4)

    def to_picture(self, points: np.ndarray) -> np.ndarray:
        """Pixels ``[N, 2]`` (x, y) of the picture for pixels of the rectified page."""
        flat = _turn(np.asarray(points, dtype=float), -self.turns, self.image.shape[:2])
        return self.grid.to_pixels(flat / self.pixels_per_mm + self.corner_mm)

    def from_picture(self, points: np.ndarray) -> np.ndarray:
        """Pixels ``[N, 2]`` (x, y) of the rectified page for pixels of the picture."""
        flat = (self.grid.to_mm(points) - self.corner_mm) * self.pixels_per_mm
        height, width = self.image.shape[:2]
        return _turn(flat, self.turns, (width, height) if self.turns % 2 else (height, width))


def _turn(points: np.ndarray, turns: int, shape: tuple[int, int]) -> np.ndarray:
    """Where points (x, y) of an image of ``shape`` (height, width) go when it makes quarter turns anticlockwise."""
    x, y = points.T
    for _ in range(turns % 4):
        x, y = y, shape[1] - 1 - x
        shape = (shape[1], shape[0])
    return np.stack([x, y], axis=1)


def rectify(image: np.ndarray, grid: PageGrid, pixels_per_mm: float = PIXELS_PER_MM) -> RectifiedPage:
    """Lay a page flat by its own grid.

    Args:
        image: uint8 ``[H, W, 3]``, the picture in which ``grid`` was found.
        grid: from :func:`~cardiac_transforms.ecg.reading.grid.find_grid`.
        pixels_per_mm: resolution of the result.
    """
    low, high = _extent(grid)
    count = np.ceil((high - low) / _MESH_MM).astype(int) + 1
    u, v = (low[k] + _MESH_MM * np.arange(count[k]) for k in (0, 1))
    mesh = np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2)
    places = grid.to_pixels(mesh).reshape(count[1], count[0], 2)
    size = np.round((count - 1) * _MESH_MM * pixels_per_mm).astype(int) + 1
    flow = functional.interpolate(
        torch.from_numpy(np.ascontiguousarray(places.transpose(2, 0, 1), dtype=np.float32))[None],
        size=(int(size[1]), int(size[0])),
        mode="bilinear",
        align_corners=True,
    )[0].permute(1, 2, 0)
    height, width = grid.shape
    inside = ((flow >= -0.5) & (flow <= torch.tensor([width - 0.5, height - 0.5]))).all(dim=-1).numpy()
    flow = (flow + 0.5) * torch.tensor([2.0 / width, 2.0 / height]) - 1
    source = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None].float()
    flat = functional.grid_sample(source, flow[None], mode="bilinear", padding_mode="border", align_corners=False)[0]
    result = flat.round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy()
    result = np.where(inside[..., None], result, np.uint8(255))
    seen = functional.interpolate(
        torch.from_numpy(grid.sees(places.reshape(-1, 2)).reshape(1, 1, count[1], count[0]).astype(np.float32)),
        size=result.shape[:2],
        mode="bilinear",
        align_corners=True,
    )[0, 0]
    valid = inside & (seen.numpy() >= 0.5) & ~_covered(result, pixels_per_mm)
    origin = (-low % 5) * pixels_per_mm
    return RectifiedPage(
        result, valid, pixels_per_mm, (float(origin[0]), float(origin[1])), (float(low[0]), float(low[1])), grid
    )


def _covered(image: np.ndarray, pixels_per_mm: float) -> np.ndarray:
    """Dark things wider than any stroke: what lies beside the paper or over it, bool ``[H, W]``."""
    step = max(1, round(pixels_per_mm / 2))
    small = image[step // 2 :: step, step // 2 :: step].max(axis=2).astype(np.float32)
    paper = ndimage.percentile_filter(small[::4, ::4], 80, size=11)
    paper = np.repeat(np.repeat(paper, 4, axis=0), 4, axis=1)[: small.shape[0], : small.shape[1]]
    wide = round(_STROKE_MM * pixels_per_mm / step)
    dark = ndimage.binary_opening(np.pad(small < 0.6 * paper, wide, mode="edge"), np.ones((wide, wide)))
    dark = ndimage.binary_dilation(dark, iterations=2)[wide:-wide, wide:-wide]
    full = np.repeat(np.repeat(dark, step, axis=0), step, axis=1)
    return np.pad(full, [(0, max(0, n - m)) for n, m in zip(image.shape[:2], full.shape, strict=True)], mode="edge")[
        : image.shape[0], : image.shape[1]
    ]


def _extent(grid: PageGrid) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest (u, v): the seen grid with a margin, as far as the picture goes."""
    seen = grid.millimetres[:, grid.area]
    border = np.linspace(0, 1, 30)
    height, width = grid.shape
    edge = np.concatenate(
        [
            np.stack([x, y], axis=1)
            for x, y in (
                (border * width, 0 * border),
                (border * width, 0 * border + height),
                (0 * border, border * height),
                (0 * border + width, border * height),
            )
        ]
    )
    frame = grid.to_mm(edge)
    low = np.maximum(seen.min(axis=1) - _MARGIN_MM, frame.min(axis=0))
    high = np.minimum(seen.max(axis=1) + _MARGIN_MM, frame.max(axis=0))
    return np.floor(low), np.ceil(high)
