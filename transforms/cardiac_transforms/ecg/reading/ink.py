"""What is printed or written on a rectified ECG page, without its paper and grid.

The light that a page returns is paper times grid times ink, so everything here works on absorbance, the logarithm of
local paper brightness over the pixel's brightness: shadows and coloured paper drop out with the paper, and a coloured
grid is one direction in the three channels, which a matched filter suppresses. What is left of a grid as grey as the
ink is taken off line by line, for a line keeps its darkness over many millimetres and is lighter than the ink.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d
from torch.nn.functional import interpolate

from cardiac_transforms.ecg.reading.black_white import SQUARE, without_black_lines
from cardiac_transforms.ecg.reading.strokes import FINE, with_steep_strokes

PAPER_BLOCK = 5.0
"""mm: the size of the pieces in which the paper's brightness is measured; one large square of the grid."""
LINE_BLOCK = 5.0
"""mm: the size of the pieces of a line in which its darkness is measured."""
FAINTEST = 0.05
"""Darkness below which nothing counts as ink: five per cent of the paper's light missing."""

_NONE, _FULL = 0.12, 0.56
"""Shares of the ink's darkness that are taken for paper, and what more is taken for ink: a thin line half on one row of
pixels and half on the next must still reach one half."""

_MOST_SAMPLES = 50_000
"""Pixels that tell the colours of ink and grid; more do not tell them better."""

_BAND = 64
"""Rows that are gone through together, few enough for the processor's cache."""

_LOGARITHMS = np.log(np.maximum(np.arange(256, dtype=np.float32), 3.0))


def trace_ink(
    image: NDArray[np.uint8],
    pixels_per_mm: float,
    valid: NDArray[np.bool_] | None = None,
    *,
    black_crossing: tuple[float, float] | None = None,
    picture_scale: float | None = None,
) -> NDArray[np.float32]:
    """How much every pixel looks like the ink of traces and text: 1 as dark as they are, 0 paper or grid.

    Args:
        image: ``[H, W, 3]`` or ``[H, W]``, rectified: the grid is parallel to the axes within about half a millimetre.
        pixels_per_mm: of the page; 4 to 12 is sensible.
        valid: ``[H, W]``, false where the image does not show the page; the ink is 0 there.
        black_crossing: (x, y) of a crossing of the 5 mm lines of a page in black and white, where it is known; broken
            lines are then found as well.
        picture_scale: pixels per mm of the picture that ``image`` was rectified from; ``pixels_per_mm`` if ``None``. Only
            below :data:`~cardiac_transforms.ecg.reading.strokes.FINE` are faint steep strokes looked for.

    Returns:
        ``[H, W]`` in [0, 1]. 0.5 is two fifths as dark as the ink is in the middle of its strokes. All 0 where a page
        shows no ink.

    Raises:
        ValueError: ``image`` is not 8-bit of such a shape, or ``pixels_per_mm`` is not positive.
    """
    image = _three_channels(image)
    if not pixels_per_mm > 0:
        raise ValueError(f"pixels_per_mm is {pixels_per_mm}; it must be positive.")
    residue = _darkness(image, pixels_per_mm, valid)
    drawn = without_black_lines(residue, pixels_per_mm, valid, black_crossing)
    if drawn is None:
        lines = _line_darkness(residue, pixels_per_mm)
    else:
        residue *= drawn
        lines = np.zeros(residue.shape, np.float32)
    bands = [slice(top, top + _BAND) for top in range(0, len(residue), _BAND)]
    for band in bands:
        residue[band] -= lines[band]
        if valid is not None:
            residue[band] *= valid[band]
    ink = ink_level(residue, pixels_per_mm)
    if ink < FAINTEST:
        return np.zeros(image.shape[:2], np.float32)
    # ink over a line is as dark as ink beside it, so there it adds less to the line
    for band in bands:
        residue[band] /= np.maximum(ink - lines[band], 0.4 * ink)
    if (picture_scale or pixels_per_mm) < FINE:
        residue = with_steep_strokes(residue, pixels_per_mm, 0.5 * _FULL + _NONE)
    for band in bands:
        np.clip((residue[band] - _NONE) / _FULL, 0.0, 1.0, out=residue[band])
    return residue


def remove_grid(image: NDArray[np.uint8], ink: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The page on white paper: grid, shadows and the paper's colour gone, traces and text in their own colour.

    Args:
        image: as for :func:`trace_ink`.
        ink: its :func:`trace_ink`.

    Returns:
        uint8 ``[H, W, 3]``.
    """
    return np.rint(255.0 - ink[..., None] * (255.0 - _three_channels(image))).astype(np.uint8)


def local_paper(
    image: NDArray[np.uint8], pixels_per_mm: float, valid: NDArray[np.bool_] | None = None
) -> NDArray[np.uint8]:
    """uint8 ``[H, W, 3]``: the colour that a page's paper has, or would have without grid and ink, at every pixel."""
    image = _three_channels(image)
    step = max(1, round(pixels_per_mm / 3.0))
    seen = np.ones(image.shape[:2], bool) if valid is None else valid
    paper = _paper(_LOGARITHMS[image[::step, ::step]], seen[::step, ::step], PAPER_BLOCK * pixels_per_mm / step)
    channels = [np.exp(enlarge(paper[..., c], image.shape[:2])) for c in range(3)]
    return np.rint(np.clip(np.stack(channels, axis=-1), 0, 255)).astype(np.uint8)


def _three_channels(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise ValueError(f"The page is {image.dtype} {list(image.shape)}; it must be uint8 [H, W, 3] or [H, W].")
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)


def enlarge(values: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """``values`` of equal blocks, ``[h, w]``, interpolated between the blocks' centres to ``shape``."""
    tensor = torch.from_numpy(np.ascontiguousarray(values))[None, None]
    return interpolate(tensor, size=shape, mode="bilinear", align_corners=False)[0, 0].numpy()


def _blocks(count: int, size: float) -> NDArray[np.intp]:
    """Where equal blocks of about ``size`` begin and end on an axis of ``count`` pixels."""
    return np.linspace(0, count, max(1, round(count / size)) + 1).round().astype(np.intp)


def _darkness(image: NDArray[np.uint8], pixels_per_mm: float, valid: NDArray[np.bool_] | None) -> NDArray[np.float32]:
    """``[H, W]``: the share of the paper's light that is missing, with the grid's colour suppressed; 0 on paper, 1
    black.

    Colours are weighed as absorbances; the result is a share of light, for the edge of a stroke that fills half a pixel
    takes half its light away.
    """
    step = max(1, round(pixels_per_mm / 3.0))  # a third of a millimetre is fine enough for the statistics
    small = np.take(_LOGARITHMS, image[::step, ::step])
    seen = np.ones(small.shape[:2], bool) if valid is None else valid[::step, ::step]
    paper = _paper(small, seen, PAPER_BLOCK * pixels_per_mm / step)
    thin = max(1, round(np.sqrt(seen.size / _MOST_SAMPLES)))
    few, shown = small[::thin, ::thin], seen[::thin, ::thin]
    samples = np.stack([enlarge(paper[..., c], shown.shape) for c in range(3)], axis=-1) - few
    weights = _ink_filter(samples[shown])
    logarithms = [weight * _LOGARITHMS for weight in weights]
    darkness = enlarge(paper @ -weights, image.shape[:2])
    for top in range(0, len(darkness), _BAND):
        band = darkness[top : top + _BAND]
        for channel, logarithm in enumerate(logarithms):
            band += np.take(logarithm, image[top : top + _BAND, :, channel])
        np.exp(np.minimum(band, 1.0, out=band), out=band)
        np.subtract(np.float32(1.0), band, out=band)
    return darkness


def _paper(logarithms: NDArray[np.float32], seen: NDArray[np.bool_], block: float) -> NDArray[np.float32]:
    """``[h, w, 3]``: the paper's log brightness per block, from its brighter pixels and its neighbours'."""
    height, width = seen.shape
    rows, columns = _blocks(height, block), _blocks(width, block)
    # pieces of one size, which overlap by a pixel where they do not fit, so that all are sorted at once
    size = int(np.diff(rows).max()), int(np.diff(columns).max())
    corners = np.minimum(rows[:-1], height - size[0])[:, None], np.minimum(columns[:-1], width - size[1])

    def pieces(values: NDArray) -> NDArray:
        return sliding_window_view(values, size)[corners].reshape(rows.size - 1, columns.size - 1, -1)

    count = pieces(seen).sum(axis=2)
    last = np.maximum(0.8 * (count - 1), 0).astype(np.intp)[..., None]
    paper = np.empty((*count.shape, 3), np.float32)
    for channel in range(3):
        pixels = np.sort(pieces(np.where(seen, logarithms[..., channel], np.float32(np.inf))), axis=2)
        paper[..., channel] = np.take_along_axis(pixels, last, axis=2)[..., 0]
    paper[count < 8] = np.nan
    known = ~np.isnan(paper[..., 0])
    if not known.any():
        return np.zeros_like(paper)
    # a block may be all letters or bar: its neighbours know better what the paper is like there
    padded = np.pad(paper, ((1, 1), (1, 1), (0, 0)), constant_values=np.nan)
    around = [padded[i : i + paper.shape[0], j : j + paper.shape[1]] for i in range(3) for j in range(3)]
    medians = np.full_like(paper, np.nan)
    medians[known] = np.nanmedian(np.stack(around)[:, known], axis=0)
    paper = np.maximum(paper, medians)
    missing = ~known
    paper[missing] = np.median(paper[known], axis=0)
    return paper


def _ink_filter(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weights of the channels' absorbances: ink counts 1, what the paper and grid vary by counts least (matched
    filter).

    A coloured grid varies along one direction, which so loses its weight; a grid of the ink's own colour leaves only
    the noise to choose by, and the channels are then averaged.
    """
    weights = np.full(3, 1.0 / 3.0, np.float32)
    if samples.shape[0] < 100:
        return weights
    for _ in range(2):
        darkness = samples @ weights
        last = darkness.size - max(1, darkness.size // 200)
        limit = np.partition(darkness, last)[last]
        ink = np.median(samples[darkness >= limit], axis=0).astype(np.float64)
        rest = samples[darkness < 0.5 * limit].astype(np.float64)
        if np.linalg.norm(ink) < FAINTEST or rest.shape[0] < 100:
            return weights
        spread = rest.T @ rest / rest.shape[0]
        spread += np.eye(3) * (0.1 * np.trace(spread) / 3.0 + 1e-4)
        solved = np.linalg.solve(spread, ink)
        weights = (solved / (solved @ ink) * np.linalg.norm(ink) / np.sqrt(3.0)).astype(np.float32)
    return weights


def _line_darkness(darkness: NDArray[np.float32], pixels_per_mm: float) -> NDArray[np.float32]:
    """``[H, W]``: what straight lines along the axes account for."""
    rows, columns = (_line_samples(count, pixels_per_mm) for count in darkness.shape)
    across = _level_lines(np.take(darkness, columns, axis=1), pixels_per_mm)
    upright = _level_lines(np.moveaxis(np.take(darkness, rows, axis=0), 2, 0), pixels_per_mm)
    lines, down = enlarge(across, darkness.shape), enlarge(upright.T, darkness.shape)
    # blur lets neighbours add up where two lines cross, so the weaker one counts for a quarter; sharp lines of one printing
    # ink do not
    for top in range(0, len(lines), _BAND):
        band, other = lines[top : top + _BAND], down[top : top + _BAND]
        weaker = np.float32(0.75) * np.minimum(band, other)
        band += other
        band -= weaker
    return lines


def _line_samples(count: int, pixels_per_mm: float) -> NDArray[np.intp]:
    """``[blocks, N]``, N odd: which of an axis' ``count`` pixels are looked at in every block of a line."""
    edges = _blocks(count, LINE_BLOCK * pixels_per_mm)
    step = max(1, round(pixels_per_mm / 3.0))
    half = (int(np.diff(edges).min()) - 1) // step // 2
    return edges[:-1, None] + step * np.arange(2 * half + 1)


def _level_lines(samples: NDArray[np.float32], pixels_per_mm: float) -> NDArray[np.float32]:
    """``[H, blocks]``: darkness of horizontal lines, the median over a block, as far as it goes on beside and repeats.

    It is at most that of the page's grid lines: a level stretch of a trace also lies along a row for some way, and
    must only lose what the grid line under it would.

    Args:
        samples: darkness at the places of :func:`_line_samples`, ``[H, blocks, N]``.
        pixels_per_mm: of the page.
    """
    height, middle = samples.shape[0], samples.shape[2] // 2
    lines = np.maximum(np.partition(samples, middle, axis=2)[..., middle], 0.0)
    # a line that is not quite level is a little higher or lower in the next block
    near = maximum_filter1d(lines, 2 * round(0.3 * pixels_per_mm) + 1, axis=0)
    beside = np.pad(near, ((0, 0), (1, 1)), mode="reflect" if lines.shape[1] > 1 else "edge")
    # a grid has the same line again a large square above or below, a trace has not
    square = min(round(SQUARE * pixels_per_mm), height - 1)
    below, above = (np.pad(near, ((square, 0), (0, 0)))[:height], np.pad(near, ((0, square), (0, 0)))[square:])
    lines = np.minimum(lines, np.minimum(np.maximum(beside[:, :-2], beside[:, 2:]), np.maximum(below, above)))
    # thick grid lines with the row on either side are 5 % of all rows or more, level traces less than 3 %
    limit = np.percentile(maximum_filter1d(lines, 3, axis=0), 97.0, axis=0, keepdims=True)
    limit = np.minimum(limit, 1.5 * np.median(limit))
    return np.minimum(lines, 1.1 * limit).astype(np.float32)


def ink_level(residue: NDArray[np.float32], pixels_per_mm: float) -> float:
    """The darkness of ink in the middle of its strokes: the typical maximum of the 2 mm blocks that hold ink."""
    size = max(2, round(2.0 * pixels_per_mm))
    height, width = (count // size * size for count in residue.shape)
    if not height or not width:
        return 0.0
    blocks = residue[:height, :width].reshape(height // size, size, width // size, size)
    maxima = np.sort(blocks.max(axis=1).max(axis=2).ravel())
    # Otsu's threshold between blocks with and without ink, on the sorted maxima
    count = np.arange(1, maxima.size)
    total = np.cumsum(maxima, dtype=np.float64)
    below, above = total[:-1] / count, (total[-1] - total[:-1]) / (maxima.size - count)
    between = count * (maxima.size - count) * (above - below) ** 2
    split = int(np.argmax(between)) + 1 if count.size else 0
    return float(np.percentile(maxima[split:], 40.0))
