"""Spectra of small tiles of a picture: which way, and how densely, two families of equidistant lines run."""

from __future__ import annotations

import numpy as np
from scipy import fft, ndimage

TILE = 160
"""Side of a tile in pixels of the working picture."""
PAD = 320
"""Length of the Fourier transforms; bins of 1 / PAD cycles per pixel."""
HARMONICS = 10
"""Harmonics of the 5 mm spacing that are looked at; the 1 mm lines are the fifth and the tenth."""
_WINDOW = np.outer(np.hanning(TILE), np.hanning(TILE)).astype(np.float32)


def line_signal(image: np.ndarray, *, black_grid: bool = False) -> np.ndarray:
    """What the fine lines of a picture contribute: the colour axis along which they vary, paper and strong ink held down.

    Args:
        image: uint8 ``[H, W, 3]``.
        black_grid: keep what is as dark as traces and print, as the grid of a black-and-white scan is.

    Returns:
        float32 ``[H, W]``, zero mean, about unit spread everywhere, positive where there is ink.
    """
    absorbance = -np.log((image.astype(np.float32) + 16) / 271)
    strong = np.ones(image.shape[:2], dtype=bool)
    layers = list(np.moveaxis(absorbance, 2, 0))
    paper = [ndimage.uniform_filter(layer, 25) for layer in layers]
    spread = [_spread(layer - mean) for layer, mean in zip(layers, paper, strict=True)]
    for layer, mean, width in zip(layers, paper, spread, strict=True):
        strong &= layer - mean > np.maximum(4 * width, 0.15)
    # traces and print, dark in every colour, are left out with their soft edges, so that they do not ring
    kept = (~ndimage.binary_dilation(strong & (not black_grid))).astype(np.float32)
    share = ndimage.uniform_filter(kept, 25) + 1e-3
    for k, layer in enumerate(layers):
        fine = (layer - ndimage.uniform_filter(layer * kept, 25) / share) * kept
        layers[k] = np.clip(fine / _spread(fine), -2, 2)
    stack = np.stack(layers, axis=-1)
    sample = stack[::3, ::3].reshape(-1, 3)
    axis = np.linalg.eigh(sample.T @ sample)[1][:, -1]
    return (stack @ (axis * np.sign(axis.sum()))).astype(np.float32)


def _spread(fine: np.ndarray) -> np.ndarray:
    """Local spread of a flattened layer; traces are rare and strong, and hardly raise it."""
    size = np.abs(fine)
    power = ndimage.uniform_filter(np.minimum(size, 3 * np.median(size) + 1e-3) ** 2, 101)
    return 1.5 * np.sqrt(np.maximum(power, 0)) + 2e-3


def tile_spectra(tile: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log power over its surroundings, once for each family of lines.

    Args:
        tile: ``[TILE, TILE]`` of :func:`line_signal`.

    Returns:
        Two arrays ``[PAD, PAD // 2]``: rows are the frequency along the lines (zero in the middle), columns the frequency
        across them, from zero. The first is for upright lines, the second for level ones.
    """
    power = np.abs(fft.fftshift(fft.rfft2(tile * _WINDOW, (PAD, PAD)), axes=0)) ** 2
    log = ndimage.gaussian_filter(np.log(power[:, :-1] + 1e-6), 0.7)
    around = ndimage.uniform_filter(np.minimum(log, np.median(log[::3, ::3]) + 4), 31)
    half = PAD // 2
    families = []
    for axis in (1, 0):
        # strong lines raise the whole row that their peaks lie in, so peaks are also compared with their own row
        floor = np.maximum(around, ndimage.uniform_filter1d(log, 41, axis=axis))
        families.append(np.clip(log - floor, -1, 4))
    upright, level = families
    # the spectrum of a real picture is the same at opposite frequencies, so the other half need not be computed
    opposite = np.roll(level[::-1], 1, axis=0)[half:, ::-1].T
    return np.ascontiguousarray(upright), np.concatenate([np.roll(opposite, 1, axis=0), level[half:].T])


def comb(log: np.ndarray, frequency: np.ndarray, slope: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """Values of a spectrum at multiples of candidate frequencies.

    Args:
        log: one of :func:`tile_spectra`.
        frequency: cycles per pixel across the lines, any shape ``S``.
        slope: frequency along the lines over that across them, same shape.
        orders: multiples, ``[N]``; halves are allowed.

    Returns:
        ``[N, *S]``; NaN beyond the highest frequency that the picture holds.
    """
    across = np.rint(np.multiply.outer(orders, frequency * PAD)).astype(np.int32)
    along = np.rint(np.multiply.outer(orders, frequency * slope * PAD)).astype(np.int32) + PAD // 2
    inside = (across < PAD // 2) & (along >= 0) & (along < PAD)
    found = log.ravel()[np.where(inside, along * (PAD // 2) + across, 0)]
    return np.where(inside, found, np.float32(np.nan))


def comb_score(log: np.ndarray, frequency: np.ndarray, slope: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """How much a spectrum is like a comb: peaks at the multiples ``orders``, none half an order below.

    A comb of half the spacing has peaks there too, one of twice the spacing misses every second multiple: both score less.

    Args:
        log: one of :func:`tile_spectra`.
        frequency: as in :func:`comb`.
        slope: as in :func:`comb`.
        orders: multiples, ``[N]``.

    Returns:
        Score of each candidate, about 0 for noise, in units of log power.
    """
    on, between = comb(log, frequency, slope, orders), comb(log, frequency, slope, orders - 0.5)
    both = np.isfinite(on) & np.isfinite(between)
    total = np.where(both, on - between, 0).sum(axis=0)
    return np.where(both.any(axis=0), total / np.sqrt(np.maximum(both.sum(axis=0), 1)), -9.0)
