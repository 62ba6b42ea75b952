"""The two families of grid lines, tile by tile: spacing and direction everywhere on a bent, tilted page."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cardiac_transforms.ecg.reading.smooth import local_planes
from cardiac_transforms.ecg.reading.spectrum import HARMONICS, PAD, TILE, comb, comb_score, tile_spectra

_DENSITY = 8
"""Tiles per longer side of a picture, from centre to centre; neighbours' lines must be alike."""
_ORDERS = np.arange(1.0, HARMONICS + 1)
WIDEST_MM, NARROWEST_MM = 430.0, 90.0
"""What the longer side of a picture may span; close views are found less surely. The ratio is below 5, so that 1 mm lines
are not taken for 5 mm lines."""
LEAST_SPACING = 11.0
"""Smallest spacing of 5 mm lines, in pixels, at which lines are found at all."""
_STEP = 0.015
"""Relative step of the spacings that are tried first."""
_ACCEPT = 1.2
"""Smallest score of a tile; noise reaches about half of it."""
_LEVELS = (0.7, 0.45, 0.25)
"""Shares of a clear tile's score that others must reach: clear neighbours are joined before faint ones."""
_STRETCH, _TURN = 0.04, 0.04
"""Change of spacing (relative) and of direction (rad) from what is expected that costs one unit of score."""
_FAMILIES = np.array([1, 1j])[:, None, None]
"""Turns the wave vector x + iy of upright lines into that of level lines."""


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
        signal: from :func:`~cardiac_transforms.ecg.reading.spectrum.line_signal`, both sides at least ``TILE``.

    Returns:
        The tiles with lines; ``None`` if there are none.
    """
    stride = max(signal.shape) / _DENSITY
    tops, lefts = (
        np.linspace(0, n - TILE, int(np.ceil((n - TILE) / stride)) + 1).round().astype(int) for n in signal.shape
    )
    views = np.lib.stride_tricks.sliding_window_view(signal, (TILE, TILE))[np.ix_(tops, lefts)]
    sample = np.zeros((len(tops), len(lefts)), dtype=bool)
    sample[np.ix_(_spaced(len(tops), 3), _spaced(len(lefts), 5))] = True
    spectra = tile_spectra(views.reshape(-1, TILE, TILE)).reshape(*sample.shape, 2, PAD, PAD // 2)
    found = _common_spacing(spectra[sample], max(signal.shape))
    if found is None:
        return None
    weights, seeds, seed_scores = found
    first = int(seed_scores.argmax())
    start = tuple(np.argwhere(sample)[first])
    typical = float(np.quantile(seed_scores, 0.8))
    waves, scores = _grow(spectra, weights, start, (seeds[first], float(seed_scores[first])), typical)
    known = scores > 0
    if known.sum() < 3:
        return None
    centres = np.stack(np.meshgrid(lefts, tops), axis=-1) + (TILE - 1) / 2
    return TileLines(centres[known], np.stack([waves.real, waves.imag], axis=-1)[known], scores[known], weights)


def _spaced(count: int, most: int) -> np.ndarray:
    """At most ``most`` of ``count`` indices, spread evenly."""
    return np.unique(np.linspace(0, count - 1, most).astype(int))


def _grow(
    spectra: np.ndarray, weights: np.ndarray, start: tuple[int, ...], seed: tuple[np.ndarray, float], typical: float
) -> tuple[np.ndarray, np.ndarray]:
    """Lines handed on from tile to tile: wave vectors ``[rows, columns, 2]``, scores ``[rows, columns]``, 0 where none."""
    waves = np.zeros((*spectra.shape[:2], 2), dtype=complex)
    scores = np.zeros(spectra.shape[:2])
    waves[start], scores[start] = seed
    for level in _LEVELS:
        least = max(_ACCEPT, level * typical)
        while True:
            front = ndimage.binary_dilation(scores > 0) & (scores == 0)
            trust = scores / scores.max()
            expected = np.stack([local_planes(waves[..., k], trust, 1.0)[front] for k in (0, 1)], axis=-1)
            refined, reached = _refine(spectra[front], expected, weights)
            good = reached.min(axis=1) >= least
            if not good.any():
                break
            places = tuple(axis[good] for axis in np.nonzero(front))
            waves[places], scores[places] = refined[good], reached[good].min(axis=1)
    return waves, scores


def _common_spacing(spectra: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """The spacing that the sampled tiles agree on: weights of the harmonics, wave vectors ``[N, 2]``, scores ``[N]``."""
    narrow, wide = max(5 * side / WIDEST_MM, LEAST_SPACING), 5 * side / NARROWEST_MM
    count = int(np.log(max(wide / narrow, 1.0)) / _STEP)
    if not count:
        return None
    spacing = np.geomspace(narrow, wide, count)
    angle = np.deg2rad(np.arange(-30, 30.1, 2))
    candidates = _FAMILIES * np.exp(1j * angle) / spacing[:, None]
    flat = candidates.reshape(1, 2, -1)
    scores = np.maximum(comb_score(spectra, flat, _ORDERS[:6]), comb_score(spectra, 5 * flat, _ORDERS[:2]))
    scores = scores.reshape(-1, *candidates.shape)  # [tiles, 2, spacings, angles]
    votes = ndimage.gaussian_filter1d(scores.max(axis=3).mean(axis=0).sum(axis=0), 0.02 / _STEP)
    best = int(votes.argmax())
    near = np.abs(np.log(spacing / spacing[best])) < 0.25
    scores = scores[:, :, near].reshape(len(spectra), 2, -1)
    chosen = np.take_along_axis(candidates[:, near].reshape(1, 2, -1), scores.argmax(axis=2)[..., None], axis=2)
    # which multiples stand out, in the third of the tiles with the clearest lines
    clear = np.argsort(-scores.max(axis=2).min(axis=1))[: max(3, len(spectra) // 3)]
    contrast = comb(spectra[clear], chosen[clear], _ORDERS) - comb(spectra[clear], chosen[clear], _ORDERS - 0.5)
    weights = np.clip(np.median(np.nan_to_num(contrast[:, :, 0]), axis=0) - 0.3, 0, None)
    if not weights.any(axis=1).all():
        return None
    waves, reached = _refine(spectra, chosen[..., 0], weights)
    return weights, waves, reached.min(axis=1)


def _refine(spectra: np.ndarray, expected: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The wave vectors ``[N, 2]`` near the expected ones that fit best, and the scores ``[N, 2]``."""
    waves, scores = expected[..., None], np.zeros(expected.shape)
    weight = weights[:, None]
    for reach in (0.06, 0.01):
        steps = np.linspace(-reach, reach, 9)
        tried = waves * np.multiply.outer(1 + steps, np.exp(1j * steps)).ravel()
        change = tried / expected[..., None]
        away = ((np.abs(change) - 1) / _STRETCH) ** 2 + (np.angle(change) / _TURN) ** 2
        on = comb(spectra, tried, _ORDERS)
        contrast = np.nan_to_num(on - comb(spectra, tried, _ORDERS - 0.5)) * weight
        value = contrast.sum(axis=-1) / np.sqrt((np.isfinite(on) * weight**2).sum(axis=-1) + 1e-9)
        fit = value - away
        # neighbouring candidates may share their bins and fit alike: the middle of the best is taken
        share = np.exp(4 * (fit - fit.max(axis=-1, keepdims=True)))
        waves = (tried * share).sum(axis=-1, keepdims=True) / share.sum(axis=-1, keepdims=True)
        scores = (value * share).sum(axis=-1) / share.sum(axis=-1)
    return waves[..., 0], scores
