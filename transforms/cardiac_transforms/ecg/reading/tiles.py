"""The two families of grid lines, tile by tile: spacing and direction everywhere on a bent, tilted page."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cardiac_transforms.ecg.reading.spectrum import HARMONICS, TILE, comb, comb_score, tile_spectra

STRIDE = 80
"""Distance of tile centres in pixels."""
_LOW = np.arange(1.0, 7.0)
_ALL = np.arange(1.0, HARMONICS + 1)
_WIDEST_MM, _NARROWEST_MM = 430.0, 90.0
"""What the longer side of a picture may span. Their ratio is below 5, so that 1 mm lines are not taken for 5 mm lines."""
_LEAST_SPACING = 11.0
"""Smallest spacing of 5 mm lines, in pixels, at which lines are found at all."""
_ACCEPT = 1.2
"""Smallest score of a tile; noise reaches about half of it."""


_STRETCH, _TURN = 0.04, 0.04
"""Change of spacing (relative) and of direction (rad) from one tile to the next that costs one unit of score."""


@dataclass(frozen=True)
class TileLines:
    """Where and how the lines of both families run.

    Attributes:
        centres: ``[N, 2]`` (x, y) in pixels.
        waves: ``[N, 2, 2]``: for the upright (0) and the level (1) family the wave vector (x, y) of the 5 mm lines, in
            cycles per pixel.
        scores: ``[N]``, the smaller of the two families' scores.
        weights: ``[2, HARMONICS]``: how much each multiple of the 5 mm frequency counts; the fifth and the tenth alone where
            there are only 1 mm lines.
    """

    centres: np.ndarray
    waves: np.ndarray
    scores: np.ndarray
    weights: np.ndarray


def tile_lines(signal: np.ndarray) -> TileLines | None:
    """Find the lines in a picture, from the clearest place outwards.

    Args:
        signal: from :func:`~cardiac_transforms.ecg.reading.spectrum.line_signal`.

    Returns:
        The tiles with lines; ``None`` if there are none.
    """
    height, width = signal.shape
    rows, columns = (np.arange(-(-(n - TILE) // STRIDE) + 1) for n in (height, width))
    starts = [np.minimum(k * STRIDE, n - TILE) for k, n in ((rows, height), (columns, width))]
    spectra: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}

    def spectrum(row: int, column: int) -> tuple[np.ndarray, np.ndarray]:
        if (row, column) not in spectra:
            y, x = starts[0][row], starts[1][column]
            spectra[row, column] = tile_spectra(signal[y : y + TILE, x : x + TILE])
        return spectra[row, column]

    sample = [
        (r, c)
        for r in np.unique(np.linspace(0, len(rows) - 1, 3).astype(int))
        for c in np.unique(np.linspace(0, len(columns) - 1, 5).astype(int))
    ]
    found = _common_spacing([spectrum(*place) for place in sample], max(height, width))
    if found is None:
        return None
    weights, seeds = found
    accepted: dict[tuple[int, int], tuple[np.ndarray, float]] = {}
    first = max(range(len(seeds)), key=lambda k: float(seeds[k][1].min()))
    queue = [(-float(seeds[first][1].min()), sample[first], 0, seeds[first][0])]
    least = max(_ACCEPT, 0.25 * float(seeds[first][1].min()))
    pushed = 1  # breaks ties
    while queue:
        score, place, _, wave = heapq.heappop(queue)
        if place in accepted:
            continue
        accepted[place] = wave, -score
        for row, column in ((place[0] + dy, place[1] + dx) for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0))):
            if 0 <= row < len(rows) and 0 <= column < len(columns) and (row, column) not in accepted:
                near = [
                    accepted[row + dy, column + dx][0]
                    for dy in (-1, 0, 1)
                    for dx in (-1, 0, 1)
                    if (row + dy, column + dx) in accepted
                ]
                refined, scores = _refine(spectrum(row, column), np.mean(near, axis=0), weights)
                if scores.min() >= least:
                    heapq.heappush(queue, (-float(scores.min()), (row, column), pushed, refined))
                    pushed += 1
    if len(accepted) < 3:
        return None
    places = sorted(accepted)
    waves = np.stack([accepted[place][0] for place in places])
    # the level family is stored (along, across) while it is searched
    waves[:, 1] = waves[:, 1, ::-1]
    centres = np.array([(starts[1][c], starts[0][r]) for r, c in places]) + (TILE - 1) / 2
    return TileLines(centres, waves, np.array([accepted[place][1] for place in places]), weights)


def _common_spacing(
    spectra: list[tuple[np.ndarray, np.ndarray]], side: int
) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]] | None:
    """The spacing that the sampled tiles agree on: weights of the harmonics, and each tile's own (waves, scores)."""
    narrow, wide = max(5 * side / _WIDEST_MM, _LEAST_SPACING), 5 * side / _NARROWEST_MM
    if narrow >= wide:
        return None
    spacing = np.geomspace(narrow, wide, int(np.log(wide / narrow) / 0.01))
    slopes = np.tan(np.deg2rad(np.arange(-30, 30.1)))
    frequency, slope = np.meshgrid(1 / spacing, slopes, indexing="ij")
    scores = np.array(
        [
            [
                np.maximum(comb_score(log, frequency, slope, _LOW), comb_score(log, 5 * frequency, slope, _LOW[:2]))
                for log in families
            ]
            for families in spectra
        ]
    )  # [tiles, 2, spacings, slopes]
    votes = ndimage.gaussian_filter1d(scores.max(axis=3).mean(axis=0).sum(axis=0), 2)
    best = int(votes.argmax())
    near = np.abs(np.log(spacing / spacing[best])) < 0.25
    first = int(np.flatnonzero(near)[0])
    waves = np.empty((len(spectra), 2, 2))
    for k, family in np.ndindex(len(spectra), 2):
        i, j = np.unravel_index(scores[k, family, near].argmax(), scores[k, family, near].shape)
        waves[k, family] = np.array([1, slopes[j]]) / spacing[first + i]
    # which multiples stand out, in the third of the tiles with the clearest lines
    clear = np.argsort(-scores[:, :, near].max(axis=(2, 3)).min(axis=1))[: max(3, len(spectra) // 3)]
    weights = np.zeros((2, HARMONICS))
    for family in (0, 1):
        on = [_peaks(spectra[k][family], waves[k, family], _ALL) for k in clear]
        off = [_peaks(spectra[k][family], waves[k, family], _ALL - 0.5) for k in clear]
        weights[family] = np.clip(np.median(np.nan_to_num(np.array(on) - np.array(off)), axis=0) - 0.3, 0, None)
    if not weights.sum(axis=1).all():
        return None
    return weights, [_refine(families, wave, weights) for families, wave in zip(spectra, waves, strict=True)]


def _peaks(log: np.ndarray, wave: np.ndarray, orders: np.ndarray) -> np.ndarray:
    return comb(log, np.array(wave[0]), np.array(wave[1] / wave[0]), orders)


def _refine(
    spectra: tuple[np.ndarray, np.ndarray], predicted: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The wave vectors ``[2, 2]`` (across, along) near the predicted ones that fit best, and the scores ``[2]``."""
    waves, scores = predicted.copy(), np.zeros(2)
    for family, log in enumerate(spectra):
        orders = _ALL[weights[family] > 0]
        weight = weights[family][weights[family] > 0]
        centre = predicted[family, 0], predicted[family, 1] / predicted[family, 0]
        for reach, turn in ((0.06, 0.06), (0.01, 0.012)):
            f = waves[family, 0] * (1 + np.linspace(-reach, reach, 9))
            s = waves[family, 1] / waves[family, 0] + np.linspace(-turn, turn, 9)
            frequency, slope = (a.ravel() for a in np.meshgrid(f, s, indexing="ij"))
            away = ((frequency / centre[0] - 1) / _STRETCH) ** 2 + ((slope - centre[1]) / _TURN) ** 2
            on, between = comb(log, frequency, slope, orders), comb(log, frequency, slope, orders - 0.5)
            contrast = np.nan_to_num(on - between) * weight[:, None]
            value = contrast.sum(axis=0) / np.sqrt((np.isfinite(on) * weight[:, None] ** 2).sum(axis=0) + 1e-9)
            best = int((value - away).argmax())
            waves[family] = frequency[best] * np.array([1, slope[best]])
            scores[family] = value[best]
    return waves, scores
