"""Pages in black and white: their grid is as black as the ink, and differs from it by its shape and place alone.

That is how staff lines are removed from music: of a line only the runs across it go that are no longer than it is thick.
A threshold leaves some grids whole: their lines are known by going on and by repeating. Of others it leaves dots, dashes and
pieces of lines: these are known by where they lie, and what then is missing from a trace is put back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from cardiac_transforms.ecg.reading.connected import counted
from cardiac_transforms.ecg.reading.rows import without_specks

SQUARE = 5.0
"""mm: the distance at which the lines of a grid repeat."""
GREYS = 0.42
"""Share of a page's dark pixels that are only half dark, below which it is black and white; 0.2 to 0.35 on copies, 0.5
and more on others."""
BLACK_LINES = 0.15
"""Share of a page's black that its grid has at least, if that is black."""
_FAINTEST = 0.05
"""Darkness below which nothing counts as black."""
_THICKEST = 1.0
"""mm: no line of a grid is thicker."""
_PIECE = 5.0
"""mm of a line that are looked at together where it goes on and repeats."""
_WHOLE = 0.8
"""Share of the grid that goes on and repeats, from which it is whole."""
_ASTRAY = 0.6
"""mm by which a line may lie beside its place, for scanners feed unevenly."""
_STRETCH = 20.0
"""mm of a line along which it lies astray by the same."""
_COVERED = 0.8
"""Share of a line that is black, from which its own thickness counts."""
_SLACK = 0.12
"""mm, and a pixel at least, by which a line may be thicker than it usually is."""
_BRIDGE = 10.0, 3.0
"""mm, along and down the page: longest piece of a trace that lies on a line and is put back."""
_BESIDE = 2.5
"""mm beside such a piece where there is no other trace."""
_TRACE = 1.0
"""mm across a line that ink has at least if it is no crumb of the line."""
_CRUMB = 6.0
"""mm: longest crumb of a line."""


def without_black_lines(
    darkness: NDArray[np.float32],
    pixels_per_mm: float,
    valid: NDArray[np.bool_] | None,
    crossing: tuple[float, float] | None = None,
) -> NDArray[np.bool_] | None:
    """What is drawn on a page in black and white but its grid.

    Args:
        darkness: ``[H, W]``, the share of the paper's light that is missing.
        pixels_per_mm: of the page.
        valid: ``[H, W]``, false where the image does not show the page.
        crossing: (x, y) of a crossing of the 5 mm lines of a page that is known to be in black and white.

    Returns:
        ``[H, W]``; ``None`` for pages that have greys, or no black grid.
    """
    samples = darkness[::3, ::3] if valid is None else darkness[::3, ::3][valid[::3, ::3]]
    if not samples.size:
        return None
    level = float(np.percentile(samples, 99.5))
    dark = samples[samples > 0.25 * level]
    if level < _FAINTEST or (crossing is None and np.mean(dark < 0.75 * level) > GREYS):
        return None
    black = darkness > 0.5 * level
    lines = _repeated_lines(black, pixels_per_mm)
    if crossing is not None:
        broken = _Broken(pixels_per_mm, crossing).lines(black)
        if lines.sum() < _WHOLE * broken.sum():
            lines = broken
    if lines.sum() < BLACK_LINES * black.sum():
        return None
    # crumbs of lines that were thicker in places go too; strokes keep their grey edges
    return ndimage.maximum_filter(without_specks(black & ~lines, pixels_per_mm), 3) & ~lines


@dataclass(frozen=True)
class _ThinRuns:
    """Upright runs of black that may lie across a level line, ``[N]`` each: column, first row, row after the last."""

    column: NDArray[np.intp]
    first: NDArray[np.intp]
    stop: NDArray[np.intp]
    shape: tuple[int, int]

    @classmethod
    def of(cls, dark: NDArray[np.bool_], longest: float) -> _ThinRuns:
        height, width = dark.shape
        # column by column, paper before and after each, so that by turns a run begins and ends
        pixels = np.zeros(width * (height + 1) + 1, bool)
        pixels[1:].reshape(width, height + 1)[:, :height] = dark.T
        first, stop = np.flatnonzero(pixels[1:] != pixels[:-1]).reshape(-1, 2).T
        thin = stop - first <= longest
        column, first = np.divmod(first[thin], height + 1)
        return cls(column, first, stop[thin] - column * (height + 1), (height, width))

    @property
    def length(self) -> NDArray[np.intp]:
        return self.stop - self.first

    def keep(self, chosen: NDArray[np.bool_]) -> _ThinRuns:
        return _ThinRuns(self.column[chosen], self.first[chosen], self.stop[chosen], self.shape)

    def mask(self) -> NDArray[np.bool_]:
        """``[H, W]``: the pixels of the runs."""
        mask = np.zeros(self.shape, bool)
        mask[counted(self.first, self.length), np.repeat(self.column, self.length)] = True
        return mask


def _repeated_lines(dark: NDArray[np.bool_], pixels_per_mm: float) -> NDArray[np.bool_]:
    """``[H, W]``: the pixels of grid lines that go on and repeat, but for those where something crosses or touches them."""
    lines = _level_repeated_lines(dark, pixels_per_mm)
    # where a horizontal line crosses an upright one it is only thin once the other is gone
    lines |= _level_repeated_lines((dark & ~lines).T, pixels_per_mm).T
    return lines


def _level_repeated_lines(dark: NDArray[np.bool_], pixels_per_mm: float) -> NDArray[np.bool_]:
    """``[H, W]``: the same for horizontal lines only."""
    height, width = dark.shape
    runs = _ThinRuns.of(dark, _THICKEST * pixels_per_mm)
    middle = (runs.first + runs.stop - 1) // 2
    # the share of every piece of a row that thin runs lie across, within half a line's thickness
    edges = np.linspace(0, width, max(1, round(width / (_PIECE * pixels_per_mm))) + 1).round().astype(np.intp)
    piece = np.searchsorted(edges, runs.column, side="right") - 1
    share = np.zeros((height, edges.size - 1))
    np.add.at(share, (middle, piece), 1.0)
    share = uniform_filter1d(share, 3, axis=0, mode="constant") * 3.0 / np.diff(edges)
    near = maximum_filter1d(share, 2 * round(0.3 * pixels_per_mm) + 1, axis=0)
    beside = np.pad(near, ((0, 0), (1, 1)), mode="edge")
    square = min(round(SQUARE * pixels_per_mm), height - 1)
    below, above = (np.pad(near, ((square, 0), (0, 0)))[:height], np.pad(near, ((0, square), (0, 0)))[square:])
    certain = np.minimum(np.maximum(beside[:, :-2], beside[:, 2:]), np.maximum(below, above)) > 0.3
    on_line = ((near > 0.3) & certain)[middle, piece]
    if not on_line.any():
        return np.zeros_like(dark)
    thickness = float(np.median(runs.length[on_line])) + max(1.0, _SLACK * pixels_per_mm)
    return runs.keep(on_line & (runs.length <= thickness)).mask()


@dataclass(frozen=True)
class _Broken:
    """A grid of which pieces are left.

    Attributes:
        pixels_per_mm: of the page.
        crossing: (x, y) of a crossing of lines.
    """

    pixels_per_mm: float
    crossing: tuple[float, float]

    def lines(self, black: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """``[H, W]``: the pixels of the grid's lines and crumbs, but for those of traces on them."""
        level = self._level(black, self.crossing[1])
        upright = self._level((black & ~level).T, self.crossing[0]).T
        kept = black & ~level & ~upright
        along, down = _BRIDGE
        back = self._bridges(level, kept, along) | self._bridges(upright.T, kept.T, down).T
        lines = (level | upright) & ~back
        return lines | self._crumbs(black & ~lines)

    def _level(self, black: NDArray[np.bool_], origin: float) -> NDArray[np.bool_]:
        """``[H, W]``: thin runs of black about ``origin`` and multiples of 5 mm from it, no longer than a line is thick."""
        runs = _ThinRuns.of(black, _THICKEST * self.pixels_per_mm)
        square, reach = SQUARE * self.pixels_per_mm, round(_ASTRAY * self.pixels_per_mm)
        width = black.shape[1]

        def place(runs: _ThinRuns) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
            steps = ((runs.first + runs.stop - 1) / 2 - origin) / square
            line = np.rint(steps)
            return line.astype(np.intp), (steps - line) * square

        runs = runs.keep(np.abs(place(runs)[1]) <= reach)
        if not runs.column.size:
            return np.zeros_like(black)
        line, beside = place(runs)
        line -= line.min()
        count = max(1, round(width / (_STRETCH * self.pixels_per_mm)))
        stretch = runs.column * count // width
        # where a line lies along each stretch: where most runs lie across it
        found = np.zeros((line.max() + 1, count, 2 * reach + 1))
        np.add.at(found, (line, stretch, np.rint(beside).astype(np.intp) + reach), 1)
        found = uniform_filter1d(uniform_filter1d(found, 3, axis=2, mode="constant"), 3, axis=1, mode="nearest")
        on_line = np.abs(beside - (found.argmax(axis=2) - reach)[line, stretch]) <= 1.5
        runs, line, stretch = runs.keep(on_line), line[on_line], stretch[on_line]
        covered = np.zeros(found.shape[:2])
        np.add.at(covered, (line, stretch), count / width)
        thickness = _thickness(runs.length, line, stretch, covered) + max(1.0, _SLACK * self.pixels_per_mm)
        return runs.keep(runs.length <= thickness[line, stretch]).mask()

    def _bridges(self, gone: NDArray[np.bool_], kept: NDArray[np.bool_], longest: float) -> NDArray[np.bool_]:
        """``[H, W]``: the pieces of ``gone`` that go on as ink at both ends, and without which a trace has a hole."""
        ink, _ = ndimage.label(kept, np.ones((3, 3)))
        tall = [part[0].stop - part[0].start >= _TRACE * self.pixels_per_mm for part in ndimage.find_objects(ink)]
        kept = np.array([False, *tall])[ink]
        pieces, count = ndimage.label(gone, np.ones((3, 3)))
        bridge = np.zeros(count + 1, bool)
        beside = round(_BESIDE * self.pixels_per_mm)
        for index, (ys, xs) in enumerate(ndimage.find_objects(pieces), 1):
            if xs.stop - xs.start > longest * self.pixels_per_mm:
                continue
            rows = slice(max(ys.start - 1, 0), ys.stop + 1)
            ends = kept[rows, max(xs.start - 2, 0) : xs.start + 1], kept[rows, xs.stop - 1 : xs.stop + 2]
            if ends[0].any() and ends[1].any():
                other = kept[max(ys.start - beside, 0) : ys.stop + beside, xs].any(axis=0)
                bridge[index] = other.mean() < 0.6
        return bridge[pieces]

    def _crumbs(self, kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """``[H, W]``: pieces of lines that are thicker than the rest, apart from all other ink."""
        pieces, count = ndimage.label(kept, np.ones((3, 3)))
        crumb = np.zeros(count + 1, bool)
        for index, part in enumerate(ndimage.find_objects(pieces), 1):
            for axis in (0, 1):
                thick, long = (part[k].stop - part[k].start for k in (axis, 1 - axis))
                place = ((part[axis].start + part[axis].stop - 1) / 2 - self.crossing[1 - axis]) / self.pixels_per_mm
                thin = thick < _TRACE * self.pixels_per_mm and long < _CRUMB * self.pixels_per_mm
                crumb[index] |= thin and abs(place - SQUARE * round(place / SQUARE)) < 0.4
        return crumb[pieces]


def _thickness(
    length: NDArray[np.intp], line: NDArray[np.intp], stretch: NDArray[np.intp], covered: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Thickness in pixels of every line along every stretch: that of most lines, or its own where all of it is seen.

    Traces lie on few lines, so the median of the lines' thicknesses is that of the grid.
    """
    each = [np.median(of) for of in (length[line == k] for k in range(len(covered))) if of.size >= 10]
    usual = float(np.median(each)) if each else 2.0
    thickness = np.full(covered.shape, usual)
    for k, part in np.argwhere((covered.mean(axis=1) > _COVERED)[:, None] & (covered > _COVERED)):
        own = np.median(length[(line == k) & (stretch == part)])
        thickness[k, part] = np.clip(own, usual, 2 * usual)
    return thickness
