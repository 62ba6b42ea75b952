"""The grid as a map between a picture and the paper: every pixel has its place in millimetres, however the page bends."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image
from scipy import ndimage, spatial

from cardiac_transforms.ecg.reading.phase import BLOCK, PhaseMap, cut_blocks, follow_phase, lattice
from cardiac_transforms.ecg.reading.smooth import Polynomial2D
from cardiac_transforms.ecg.reading.spectrum import TILE, line_signal
from cardiac_transforms.ecg.reading.tiles import TileLines, tile_lines

FIRST_SIDE, WORKING_SIDE = 960, 1280
"""Longer side, in pixels, of the pictures in which the grid is looked for: the smaller one is faster."""
_FINE, _SURE = 2.9, 0.995
"""Pixels per mm, and coherence, of a grid in the smaller picture from which on the larger one is not looked at."""
_GREYS = 0.01
"""Share of a picture's pixels that are grey at most, if a threshold made it black and white."""
_BORDER = 40.0
"""Working pixels from the picture's border within which the outermost blocks lie where the grid runs up to it."""
_NEWTON = 6
"""Steps of Newton's method; each adds about two digits on a bent page."""
_NEAR_TILE = 0.1016
"""Distance from the nearest tile with lines up to which blocks may show them, as a share of the longer side."""
_ENOUGH = 0.3
"""Share of the picture covered by a grid, beyond which no other view of the lines is tried."""
_LEAST_SHARE = 0.05
"""Share of the picture that a grid covers at least."""
_REGULAR = 0.85
"""Least coherence of a grid; chance gives 0.45 to 0.7."""


@dataclass(frozen=True)
class PageGrid:
    """Where the paper's millimetres lie in a picture.

    ``u`` grows to the right along the level lines, ``v`` downwards along the upright ones; thick lines lie at multiples of
    5 mm where the grid has some, thin ones at whole numbers.

    Attributes:
        scale: working pixels per pixel of the picture.
        xs: working coordinates of the columns of the lattice.
        ys: the same of its rows.
        millimetres: ``[2, len(ys), len(xs)]``: u and v at the lattice.
        shape: (height, width) of the picture.
        pixels_per_mm: (along u, along v) at the centre of the grid.
        has_thick_lines: whether lines every 5 mm were told from those every millimetre.
        coherence: how regular the grid is where it was found, 0 to 1.
        area: bool ``[len(ys), len(xs)]``: where the grid was seen.
    """

    scale: float
    xs: np.ndarray
    ys: np.ndarray
    millimetres: np.ndarray
    shape: tuple[int, int]
    pixels_per_mm: tuple[float, float]
    has_thick_lines: bool
    coherence: float
    area: np.ndarray

    def to_mm(self, points: np.ndarray) -> np.ndarray:
        """Millimetres ``[N, 2]`` (u, v) of pixels ``[N, 2]`` (x, y); beyond the lattice the map goes on straight."""
        return self._map(self._working(points))[0]

    def to_pixels(self, millimetres: np.ndarray) -> np.ndarray:
        """Pixels ``[N, 2]`` (x, y) of millimetres ``[N, 2]`` (u, v): Newton's method on :meth:`to_mm`."""
        target = np.asarray(millimetres, dtype=float)
        # the plane that fits the map best is the first guess
        flat = self.millimetres.reshape(2, -1)
        design = np.column_stack([np.ones(flat.shape[1]), *flat])
        lattice_points = np.stack(np.meshgrid(self.xs, self.ys), axis=-1).reshape(-1, 2)
        plane = np.linalg.lstsq(design, lattice_points, rcond=None)[0]
        working = np.column_stack([np.ones(len(target)), target]) @ plane
        for _ in range(_NEWTON):
            millimetres, gradient = self._map(working)
            working = working - np.linalg.solve(gradient, (millimetres - target)[..., None])[..., 0]
        return (working + 0.5) / self.scale - 0.5

    def sees(self, points: np.ndarray) -> np.ndarray:
        """Whether pixels ``[N, 2]`` of the picture lie where the grid was seen, ``[N]``; small gaps are closed."""
        column, row = self._lattice_places(self._working(points))
        closed = np.pad(ndimage.binary_fill_holes(ndimage.binary_closing(np.pad(self.area, 2), np.ones((3, 3)))), 1)
        height, width = (n * self.scale for n in self.shape)
        # a grid that runs up to the picture's border goes on to it, elsewhere it ends with its blocks
        if self.xs[0] < _BORDER:
            column = np.maximum(column, 0)
        if self.ys[0] < _BORDER:
            row = np.maximum(row, 0)
        if self.xs[-1] > width - _BORDER:
            column = np.minimum(column, len(self.xs) - 1)
        if self.ys[-1] > height - _BORDER:
            row = np.minimum(row, len(self.ys) - 1)
        share = ndimage.map_coordinates(closed.astype(np.float32), [row + 3, column + 3], order=1)
        return share > 0.35

    def _working(self, points: np.ndarray) -> np.ndarray:
        """Working coordinates of pixels ``[N, 2]`` of the picture."""
        return (np.asarray(points, dtype=float) + 0.5) * self.scale - 0.5

    def _lattice_places(self, working: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lattice coordinates (column, row) of working coordinates ``[N, 2]``."""
        column = (working[:, 0] - self.xs[0]) / (self.xs[1] - self.xs[0])
        return column, (working[:, 1] - self.ys[0]) / (self.ys[1] - self.ys[0])

    @cached_property
    def _fields(self) -> np.ndarray:
        """u, v and their derivatives by working x and y, ``[len(ys), len(xs), 6]``: u, v, u_x, v_x, u_y, v_y."""
        dy, dx = np.gradient(self.millimetres, self.ys, self.xs, axis=(1, 2))
        return np.concatenate([self.millimetres, dx, dy]).transpose(1, 2, 0)

    def _map(self, working: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Millimetres ``[N, 2]`` and their derivatives ``[N, 2, 2]`` by (x, y) at working coordinates ``[N, 2]``."""
        inside = np.clip(working, [self.xs[0], self.ys[0]], [self.xs[-1], self.ys[-1]])
        column, row = self._lattice_places(inside)
        x, y = np.minimum(column.astype(int), len(self.xs) - 2), np.minimum(row.astype(int), len(self.ys) - 2)
        right, down = (column - x)[:, None], (row - y)[:, None]
        fields = self._fields
        upper = fields[y, x] * (1 - right) + fields[y, x + 1] * right
        lower = fields[y + 1, x] * (1 - right) + fields[y + 1, x + 1] * right
        value = upper * (1 - down) + lower * down
        gradient = value[:, 2:].reshape(-1, 2, 2).swapaxes(1, 2)
        return value[:, :2] + np.einsum("nij,nj->ni", gradient, working - inside), gradient


def find_grid(image: np.ndarray) -> PageGrid | None:
    """Find the millimetre grid of an ECG page in a picture.

    Tiles of the picture vote for a spacing and direction; the clearest ones hand theirs on to their neighbours, so that
    perspective and bends are followed; a smooth map is fitted to them, and then to the phase of the lines.

    Args:
        image: uint8 ``[H, W, 3]``, page upright or up to 30 degrees from it, lines darker than the paper. The longer
            side shows 130 to 430 mm; 160 to 300 mm where there are only lines every millimetre.

    Returns:
        The grid, or ``None`` where there is none.
    """
    # lines that a threshold broke need every pixel
    if max(image.shape) > WORKING_SIDE and not black_and_white(image):
        grid, covered = _best_view(image, FIRST_SIDE, (False,))
        if grid is not None and covered > _ENOUGH and grid.coherence > _SURE:
            if min(grid.pixels_per_mm) * grid.scale > _FINE:
                return grid
    return _best_view(image, WORKING_SIDE, (False, True))[0]


def _best_view(image: np.ndarray, side: int, black_grids: tuple[bool, ...]) -> tuple[PageGrid | None, float]:
    """The grid in a picture, looked at with a longer side of at most ``side``, and the share of it that the grid covers.

    ``black_grids`` are the views of its lines that are tried, see
    :func:`~cardiac_transforms.ecg.reading.spectrum.line_signal`, until one shows enough.
    """
    height, width = image.shape[:2]
    scale = min(1.0, side / max(height, width))
    if scale < 1:
        size = (round(width * scale), round(height * scale))
        image = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.HAMMING, reducing_gap=3.0))
    best, share, most = None, 0.0, 0.0
    for black_grid in black_grids if min(image.shape[:2]) >= TILE else ():
        grid = _grid_of(line_signal(image, black_grid=black_grid), scale, (height, width), _NEAR_TILE * side)
        if grid is not None and grid.coherence > _REGULAR:
            covered = float(grid.area.sum()) * BLOCK**2 / np.prod(image.shape[:2])
            if covered * grid.coherence > most:
                best, share, most = grid, covered, covered * grid.coherence
            if covered > _ENOUGH:
                break
    return best, share


def black_and_white(image: np.ndarray) -> bool:
    """Whether a threshold made a picture, uint8 ``[H, W, 3]``."""
    return bool(np.mean(np.abs(image[::5, ::5, 1] - 127.5) < 90) <= _GREYS)


def flat_grid(
    shape: tuple[int, int],
    pixels_per_mm: float,
    angle: float = 0.0,
    origin: tuple[float, float] = (0.0, 0.0),
    coherence: float = 0.0,
) -> PageGrid:
    """The map of a flat scan whose scale is known, where the grid cannot be followed from place to place.

    Args:
        shape: (height, width) of the picture.
        pixels_per_mm: of the picture.
        angle: by which the page is turned clockwise, in radians.
        origin: pixel (x, y) at 0 mm, a crossing of thick lines where there are any.
        coherence: how regular what is left of a grid is; 0 where none is seen.
    """
    ys, xs = (np.linspace(0, n - 1, 9) for n in shape)
    x, y = np.meshgrid(xs - origin[0], ys - origin[1])
    cos, sin = np.cos(angle), np.sin(angle)
    millimetres = np.stack([x * cos + y * sin, y * cos - x * sin]) / pixels_per_mm
    seen = np.ones((9, 9), dtype=bool)
    return PageGrid(1.0, xs, ys, millimetres, shape, (pixels_per_mm, pixels_per_mm), coherence > 0, coherence, seen)


def _grid_of(signal: np.ndarray, scale: float, shape: tuple[int, int], reach: float) -> PageGrid | None:
    """The grid in one view of the lines of a picture of ``shape`` (height, width), up to ``reach`` pixels from tiles."""
    lines = tile_lines(signal)
    if lines is None:
        return None
    xs, ys = lattice(signal.shape)
    near = _distance(lines.centres, xs, ys) < reach
    seed = _distance(lines.centres[lines.scores.argmax()][None], xs, ys) < 2 * BLOCK
    blocks = cut_blocks(signal)
    maps = [
        follow_phase(blocks, _integrate(lines, family, signal.shape).grid(xs, ys), lines.weights[family], near, seed)
        for family in (0, 1)
    ]
    if maps[0] is None or maps[1] is None:
        return None
    return _page_grid([maps[0], maps[1]], scale, shape, (xs, ys))


def _integrate(lines: TileLines, family: int, shape: tuple[int, int]) -> Polynomial2D:
    """Millimetres across one family of lines, as a polynomial whose slopes are the tiles' wave vectors."""
    rough = Polynomial2D(shape, 4 if len(lines.scores) >= 20 else 1)
    wave = 5 * lines.waves[:, family].T.ravel()
    typical = float(np.median(np.hypot(*lines.waves[:, family].T))) * 5
    slopes = np.concatenate(list(rough.slopes(lines.centres)))
    return rough.fit(slopes / typical, wave / typical, np.tile(lines.scores, 2), 0.03)


def _distance(centres: np.ndarray, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """Pixels from each place of the lattice to the nearest tile centre, ``[len(ys), len(xs)]``."""
    points = np.stack(np.meshgrid(xs, ys), axis=-1)
    return spatial.cKDTree(centres).query(points)[0]


def _page_grid(
    maps: list[PhaseMap], scale: float, shape: tuple[int, int], axes: tuple[np.ndarray, np.ndarray]
) -> PageGrid | None:
    """The part of both families' maps where both were followed; ``None`` where that is too little."""
    area = _without_islands(maps[0].known & maps[1].known)
    rows, columns = (np.flatnonzero(area.any(axis=axis)) for axis in (1, 0))
    if area.mean() < _LEAST_SHARE or min(len(rows), len(columns)) < 3:
        return None
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    millimetres = np.stack([m.millimetres[box] for m in maps])
    clear = np.minimum(maps[0].clear, maps[1].clear)
    xs, ys, area, clear = axes[0][box[1]], axes[1][box[0]], area[box], clear[box]
    dy, dx = np.gradient(millimetres, ys, xs, axis=(1, 2))
    density = [float(1 / np.median(np.hypot(dx[k], dy[k])[area]) / scale) for k in (0, 1)]
    thick = maps[0].thick and maps[1].thick
    return PageGrid(
        scale, xs, ys, millimetres, shape, (density[0], density[1]), thick, float(np.median(clear[area])), area
    )


def _without_islands(area: np.ndarray) -> np.ndarray:
    """An area without small parts apart from the rest; lines are counted anew there, so that nothing tells their place."""
    parts, _ = ndimage.label(area, np.ones((3, 3)))
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return area & (sizes >= 0.1 * sizes.max())[parts]
