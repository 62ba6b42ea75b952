"""The page laid flat: a picture resampled so that the grid is axis-parallel and a millimetre has a fixed size."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional

from cardiac_transforms.ecg.reading.grid import PageGrid

PIXELS_PER_MM = 8.0
"""Resolution of rectified pages."""
MESH_MM = 4.0
"""Spacing of the points whose place in the picture is computed; between them it is interpolated."""
_MARGIN_MM = 25.0
"""How far beyond the grid the paper is followed, for what is printed there."""
_PAPER_MM = 20.0
"""Side of the square within which some paper is bare."""
_STROKE_MM = 3.0
"""Wider than any stroke of a trace or letter."""
_BAND = 32
"""Rows of the picture that are converted together, few enough for the processor's cache."""


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
        if turns % 4 == 0:
            return self
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
    count = np.ceil((high - low) / MESH_MM).astype(int) + 1
    u, v = (low[k] + MESH_MM * np.arange(count[k]) for k in (0, 1))
    mesh = np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2)
    places = grid.to_pixels(mesh).reshape(count[1], count[0], 2)
    seen = grid.sees(places.reshape(-1, 2)).reshape(1, count[1], count[0])
    size = np.round((count - 1) * MESH_MM * pixels_per_mm).astype(int) + 1
    height, width = grid.shape
    # the sampling coordinates of grid_sample: -1 and 1 are the outer edges of the first and last pixels
    places = ((places + 0.5) * (2 / width, 2 / height) - 1).transpose(2, 0, 1)
    shape = int(size[1]), int(size[0])
    mesh = enlarge_mesh(np.concatenate([places, seen]), (int(count[1]), shape[1]))
    # ink instead of light is sampled, as there is none beyond the picture; each channel lies by itself, for that is faster,
    # and so is memory of numpy, which takes it in large pages
    ink = np.empty((1, 3, height, width), np.float32)
    for top in range(0, height, _BAND):
        ink[0, :, top : top + _BAND] = (255 - image[top : top + _BAND]).transpose(2, 0, 1)
    flat = torch.empty((3, *shape), dtype=torch.uint8)
    inside, on_grid = torch.empty((2, *shape), dtype=torch.bool)
    row = torch.linspace(0, len(mesh[0]) - 1, shape[0])
    # what lies between two rows of the mesh is sampled together, few enough rows for the processor's cache
    edges = torch.searchsorted(row, torch.arange(len(mesh[0])).float()).tolist()
    edges[-1] = shape[0]
    for above, (top, stop) in enumerate(itertools.pairwise(edges)):
        band = slice(top, stop)
        flow = torch.lerp(mesh[:, above, None], mesh[:, above + 1, None], (row[band] - above)[:, None])
        part = functional.grid_sample(torch.from_numpy(ink), flow[:2].permute(1, 2, 0)[None], align_corners=False)[0]
        flat[:, band] = 255.5 - part
        inside[band] = (flow[0].abs() <= 1) & (flow[1].abs() <= 1)
        on_grid[band] = flow[2] >= 0.5
    result, valid = flat.permute(1, 2, 0).numpy(), on_grid.logical_and_(inside).numpy()
    valid &= ~_covered(result, inside.numpy(), pixels_per_mm)
    origin = (-low % 5) * pixels_per_mm
    return RectifiedPage(
        result, valid, pixels_per_mm, (float(origin[0]), float(origin[1])), (float(low[0]), float(low[1])), grid
    )


def enlarge_mesh(mesh: np.ndarray, shape: tuple[int, int]) -> torch.Tensor:
    """Values ``[C, rows, columns]`` of a mesh, interpolated to every pixel of ``shape`` (height, width)."""
    values = torch.from_numpy(np.ascontiguousarray(mesh, dtype=np.float32))[None]
    return functional.interpolate(values, size=shape, mode="bilinear", align_corners=True)[0]


def _covered(image: np.ndarray, inside: np.ndarray, pixels_per_mm: float) -> np.ndarray:
    """Dark things wider than any stroke: what lies beside the paper or over it, bool ``[H, W]``.

    Args:
        image: the flat page, uint8 ``[H, W, 3]``.
        inside: where it shows something of the picture, bool ``[H, W]``.
        pixels_per_mm: of the flat page.
    """
    step = max(1, round(pixels_per_mm / 2))
    thinned = np.s_[step // 2 :: step, step // 2 :: step]
    shown = inside[thinned]
    # beyond the picture nothing tells how bright the paper is
    small = image[thinned].max(axis=2) * shown
    coarse = round(_PAPER_MM * pixels_per_mm / step / 5)
    paper = ndimage.percentile_filter(small[::coarse, ::coarse], 80, size=5)
    wide = round(_STROKE_MM * pixels_per_mm / step)
    dark = np.pad(shown & (small < 0.6 * _repeat(paper, coarse, small.shape)), wide, mode="edge").view(np.uint8)
    dark = ndimage.maximum_filter(ndimage.grey_opening(dark, wide), 5)[wide:-wide, wide:-wide]
    return _repeat(dark.astype(bool), step, image.shape[:2])


def _repeat(values: np.ndarray, step: int, shape: tuple[int, ...]) -> np.ndarray:
    """An array of ``shape`` (height, width) that holds every value ``step`` times along both axes."""
    rows, columns = (np.minimum(np.arange(n) // step, m - 1) for n, m in zip(shape, values.shape, strict=True))
    return values[rows][:, columns]


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
