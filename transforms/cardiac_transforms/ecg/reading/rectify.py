"""The page laid flat: a picture resampled so that the grid is axis-parallel and a millimetre has a fixed size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from cardiac_transforms.ecg.reading.grid import PageGrid

PIXELS_PER_MM = 8.0
"""Resolution of rectified pages."""
_MESH_MM = 4.0
"""Spacing of the points whose place in the picture is computed; between them it is interpolated."""
_MARGIN_MM = 25.0
"""How far beyond the grid the paper is followed, for what is printed there."""


@dataclass(frozen=True)
class RectifiedPage:
    """A page as it was printed.

    Attributes:
        image: uint8 ``[H, W, 3]``, white where the picture shows nothing.
        valid: bool ``[H, W]``: inside the picture.
        pixels_per_mm: along both axes.
        grid_origin: (x, y) in pixels of a crossing of lines (thick ones where the grid has some).
        corner_mm: (u, v) in mm on the grid of the top left pixel.
        grid: the map between picture and paper.
    """

    image: np.ndarray
    valid: np.ndarray
    pixels_per_mm: float
    grid_origin: tuple[float, float]
    corner_mm: tuple[float, float]
    grid: PageGrid

    def to_picture(self, points: np.ndarray) -> np.ndarray:
        """Pixels ``[N, 2]`` (x, y) of the picture for pixels of the rectified page."""
        return self.grid.to_pixels(np.asarray(points, dtype=float) / self.pixels_per_mm + self.corner_mm)

    def from_picture(self, points: np.ndarray) -> np.ndarray:
        """Pixels ``[N, 2]`` (x, y) of the rectified page for pixels of the picture."""
        return (self.grid.to_mm(points) - self.corner_mm) * self.pixels_per_mm


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
    valid = ((flow >= -0.5) & (flow <= torch.tensor([width - 0.5, height - 0.5]))).all(dim=-1).numpy()
    flow = (flow + 0.5) * torch.tensor([2.0 / width, 2.0 / height]) - 1
    source = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None].float()
    flat = functional.grid_sample(source, flow[None], mode="bilinear", padding_mode="border", align_corners=False)[0]
    result = flat.round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy()
    result = np.where(valid[..., None], result, np.uint8(255))
    origin = (-low % 5) * pixels_per_mm
    return RectifiedPage(
        result, valid, pixels_per_mm, (float(origin[0]), float(origin[1])), (float(low[0]), float(low[1])), grid
    )


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
