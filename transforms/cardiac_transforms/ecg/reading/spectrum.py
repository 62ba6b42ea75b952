"""Spectra of small tiles of a picture: which way, and how densely, two families of equidistant lines run."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

TILE = 160
"""Side of a tile in pixels of the working picture."""
PAD = 256
"""Length of the Fourier transforms; bins of 1 / PAD cycles per pixel."""
HARMONICS = 10
"""Harmonics of the 5 mm spacing that are looked at; the 1 mm lines are the fifth and the tenth."""
_FLOOR = 8
"""Side in bins of the blocks on which a spectrum's surroundings are averaged; a peak is about half as wide."""
_TOGETHER = 4
"""Tiles whose spectra are computed together."""
_ABSORBANCE = -np.log((np.arange(256, dtype=np.float32) + 16) / 271)
_WINDOW = np.outer(np.hanning(TILE), np.hanning(TILE)).astype(np.float32)
_NEAR, _FAR = 5, 20
"""Steps in pixels of :func:`_local_mean`: 25 pixels span a stroke and the paper beside it, 100 pixels a few grid squares."""


def line_signal(image: np.ndarray, *, black_grid: bool = False) -> np.ndarray:
    """What the fine lines of a picture contribute: the colour axis along which they vary, paper and strong ink held down.

    Args:
        image: uint8 ``[H, W, 3]``.
        black_grid: keep what is as dark as traces and print, as the grid of a black-and-white scan is.

    Returns:
        float32 ``[H, W]``, zero mean, about unit spread everywhere, positive where there is ink.
    """
    absorbance = torch.from_numpy(np.take(_ABSORBANCE, np.ascontiguousarray(image.transpose(2, 0, 1))))
    layer = torch.einsum("c,chw->hw", _grid_colour(absorbance[:, ::3, ::3]), absorbance)
    fine = layer - _local_mean(layer, _NEAR)
    if not black_grid:
        # traces and print, dark in every colour, are left out with their soft edges, so that they do not ring
        dark = absorbance.amin(dim=0)
        dark.sub_(_local_mean(dark, _NEAR))
        strong = dark > _spread(dark).mul_(4).clamp_(min=0.15)
        kept = (~_grown(strong)).float()
        share = _local_mean(kept, _NEAR).clamp_(min=1e-3)
        fine = layer.sub_(_local_mean(layer * kept, _NEAR).div_(share)).mul_(kept)
    return fine.div_(_spread(fine)).clamp_(-2, 2).numpy()


def _grid_colour(absorbance: torch.Tensor) -> torch.Tensor:
    """The direction ``[3]`` of colour along which a thinned picture ``[3, H, W]`` varies finely, ink positive."""
    around = absorbance
    for size in ((9, 1), (1, 9)):
        padding = [n // 2 for n in size]
        around = functional.avg_pool2d(around, size, stride=1, padding=padding, count_include_pad=False)
    fine = (absorbance - around).flatten(1)
    fine = fine / (fine.abs().median(dim=1, keepdim=True).values + 1e-3)
    fine = fine.clamp(-2, 2)
    axis = torch.linalg.eigh(fine @ fine.T).eigenvectors[:, -1]
    return axis * axis.sum().sign()


def _grown(mask: torch.Tensor) -> torch.Tensor:
    """A mask ``[H, W]`` and the pixels beside, above and below it."""
    grown = mask.clone()
    grown[1:] |= mask[:-1]
    grown[:-1] |= mask[1:]
    grown[:, 1:] |= mask[:, :-1]
    grown[:, :-1] |= mask[:, 1:]
    return grown


def _spread(fine: torch.Tensor) -> torch.Tensor:
    """Local spread of a flattened layer; what is rare and strong is limited, and hardly raises it."""
    limit = 3 * float(fine[::4, ::4].abs().median()) + 1e-3
    return _local_mean(fine.clamp(-limit, limit).square_(), _FAR).sqrt_().mul_(1.5).add_(2e-3)


def _local_mean(layer: torch.Tensor, step: int) -> torch.Tensor:
    """Means ``[H, W]`` over squares of about five steps, exact every ``step`` pixels and interpolated between."""
    coarse = functional.avg_pool2d(layer[None, None], step, ceil_mode=True)
    # twice, so that lines hardly beat with the steps
    for size in (5, 3):
        coarse = functional.avg_pool2d(coarse, size, stride=1, padding=size // 2, count_include_pad=False)
    shape = (coarse.shape[2] * step, coarse.shape[3] * step)
    full = functional.interpolate(coarse, size=shape, mode="bilinear", align_corners=False)[0, 0]
    return full[: layer.shape[0], : layer.shape[1]]


def tile_spectra(tiles: np.ndarray) -> np.ndarray:
    """Log power over its surroundings, once for each family of lines.

    Args:
        tiles: ``[N, TILE, TILE]``, cut from :func:`line_signal`.

    Returns:
        float32 ``[N, 2, PAD, PAD // 2]``: for upright (0) and level (1) lines; rows are the vertical frequency (zero in the
        middle), columns the horizontal one, from zero.
    """
    # a few at a time, for the processor's cache
    return np.concatenate([_spectra(tiles[first : first + _TOGETHER]) for first in range(0, len(tiles), _TOGETHER)])


def _spectra(tiles: np.ndarray) -> np.ndarray:
    """The same for few tiles."""
    wave = torch.fft.rfft2(torch.from_numpy(tiles * _WINDOW), s=(PAD, PAD))[..., :-1]
    log = (wave.real.square() + wave.imag.square()).add_(1e-6).log_().roll(PAD // 2, 1)
    # peaks of level lines lie at the left border: what is beyond it is the same at opposite frequencies
    beyond = log[:, :, 1 : 2 * _FLOOR + 1].flip(1, 2).roll(1, 1)
    log = torch.cat([beyond, log], dim=2)
    for axis in (1, 2):
        log = 0.6 * log + 0.2 * (log.roll(1, axis) + log.roll(-1, axis))
    cap = log[:, ::3, ::3].flatten(1).median(dim=1).values[:, None, None] + 4
    around = _blocks(torch.minimum(log, cap), (_FLOOR, _FLOOR), 3)
    apart = log.unflatten(2, (-1, _FLOOR)).unflatten(1, (-1, _FLOOR))
    families = []
    for shape in ((1, _FLOOR), (_FLOOR, 1)):
        # strong lines raise the whole row that their peaks lie in, so peaks are also compared with their own row
        floor = torch.maximum(around, _blocks(log, shape, 5))
        height = (apart - floor).flatten(3, 4).flatten(1, 2)[:, :, 2 * _FLOOR :]
        # beyond 4 a peak hardly counts more, but its top is still its top
        families.append(torch.minimum(height, 2.8 + 0.3 * height).clamp_(min=-1))
    return torch.stack(families, dim=1).numpy()


def _blocks(log: torch.Tensor, shape: tuple[int, int], size: int) -> torch.Tensor:
    """Means ``[N, H / _FLOOR, _FLOOR or 1, W / _FLOOR, _FLOOR or 1]`` over ``size`` blocks of ``shape``, 1 along its axes."""
    mean = functional.avg_pool2d(log[:, None], shape)
    window = [size if n > 1 else 1 for n in shape]
    mean = functional.avg_pool2d(mean, window, 1, [n // 2 for n in window], count_include_pad=False)[:, 0]
    return mean.unflatten(2, (-1, _FLOOR // shape[1])).unflatten(1, (-1, _FLOOR // shape[0]))


def comb(spectra: np.ndarray, waves: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """Values of spectra at multiples of candidate wave vectors.

    Args:
        spectra: from :func:`tile_spectra`, ``[N, 2, PAD, PAD // 2]``.
        waves: complex candidates x + iy for each tile and family, in cycles per pixel, ``[N or 1, 2, M]``.
        orders: multiples, ``[K]``; halves are allowed.

    Returns:
        ``[N, 2, M, K]``; NaN beyond the highest frequency that the picture holds.
    """
    half = PAD // 2
    x, y = (
        np.rint(np.multiply.outer(part.astype(np.float32), orders.astype(np.float32) * PAD)).astype(np.int32)
        for part in (waves.real, waves.imag)
    )
    # the spectrum of a real picture is the same at opposite frequencies, so one half of it is stored
    y = np.where(x < 0, -y, y)
    x = np.abs(x)
    inside = (x < half) & (np.abs(y) < half)
    place = np.where(inside, (y + half) * half + x, 0)
    first = np.arange(2 * len(spectra), dtype=np.int32).reshape(-1, 2, 1, 1) * (PAD * half)
    return np.where(inside, spectra.ravel()[first + place], np.float32(np.nan))


def comb_score(spectra: np.ndarray, waves: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """How much spectra are like combs: peaks at the multiples ``orders``, none half an order below.

    A comb of half the spacing has peaks there too, one of twice the spacing misses every second multiple: both score less.

    Args:
        spectra: as in :func:`comb`.
        waves: as in :func:`comb`.
        orders: multiples, ``[K]``.

    Returns:
        Score ``[N, 2, M]`` of each candidate, about 0 for noise, in units of log power.
    """
    total, count = np.zeros((), np.float32), np.zeros((), np.intp)
    for order in orders[:, None]:
        contrast = (comb(spectra, waves, order) - comb(spectra, waves, order - 0.5))[..., 0]
        known = np.isfinite(contrast)
        total, count = total + np.where(known, contrast, np.float32(0)), count + known
    return np.where(count > 0, total / np.sqrt(np.maximum(count, 1)), -9.0)
