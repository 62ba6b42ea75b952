"""The phase of grid lines: refines a rough map of the paper to a small fraction of a millimetre, place by place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cardiac_transforms.ecg.reading.smooth import Polynomial2D, local_planes

BLOCK = 32
"""Side in pixels of the blocks on which the phase is known."""
_WINDOWS = (1.25, 0.9)
"""Standard deviation, in blocks, of the window in which lines are compared, in the first and in the second pass."""
_SHIFTS = np.arange(-2.5, 2.5, 0.05)
_LEVELS = (0.75, 0.6, 0.45, 0.35)
"""How clear the lines of a block must be, as the front of known blocks moves on."""


@dataclass(frozen=True)
class PhaseMap:
    """Position of the lines of one family on a lattice of blocks.

    Attributes:
        millimetres: ``[rows, columns]``, across the lines.
        clear: how well lines fit there, up to 1.
        known: bool, blocks that the lines were followed to.
    """

    millimetres: np.ndarray
    clear: np.ndarray
    known: np.ndarray


def lattice(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Columns (x) and rows (y) of the centres of the blocks of a picture of ``shape`` (height, width)."""
    ys, xs = ((np.arange(n // BLOCK) + 0.5) * BLOCK - 0.5 for n in shape)
    return xs, ys


def follow_phase(
    signal: np.ndarray, rough: Polynomial2D, weights: np.ndarray, near: np.ndarray, start: np.ndarray
) -> PhaseMap | None:
    """Follow one family of lines from a clear place to its ends.

    Args:
        signal: lines of the picture, ``[H, W]``.
        rough: millimetres across the lines, with the right slopes and any constant.
        weights: how much each multiple of the 5 mm frequency counts, ``[HARMONICS]``.
        near: bool ``[rows, columns]`` of the lattice: blocks where there may be lines.
        start: (x, y) of the clear place.

    Returns:
        The map; ``None`` where the lines do not hold together.
    """
    orders = np.unique(np.append(np.argsort(-weights)[:5], np.flatnonzero(weights)[0])) + 1
    share = weights[orders - 1] + 0.3
    xs, ys = lattice(signal.shape)
    points = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    pixels = np.arange(signal.shape[1], dtype=float), np.arange(signal.shape[0], dtype=float)
    seed = np.hypot(xs[None] - start[0], ys[:, None] - start[1]) < 2 * BLOCK
    base = rough.grid(*pixels)
    position = rough.grid(xs, ys)
    for window in _WINDOWS:
        match = _match(_amplitudes(signal, base, orders, window), orders, share)
        offset, clear, known = _spread(match, seed, near)
        if known.sum() < 9:
            return None
        weight = np.where(known, clear, 0.0) ** 2
        trend = Polynomial2D(signal.shape, 5 if known.sum() > 60 else 1)
        trend.fit(trend.values(points[known.ravel()]), offset[known], weight[known], 0.3)
        rest = local_planes(offset - trend.grid(xs, ys), weight, 0.8)
        correction = trend.grid(xs, ys) + rest * np.clip(ndimage.gaussian_filter(weight, 0.8) * 4, 0, 1)
        position = position + correction
        base = base + _upsample(correction, signal.shape)
    return PhaseMap(position, clear, known)


def _upsample(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Values of the lattice at every pixel."""
    ys, xs = (np.clip((np.arange(n) + 0.5) / BLOCK - 0.5, 0, m - 1) for n, m in zip(shape, values.shape, strict=True))
    y0, x0 = (np.minimum(a.astype(int), m - 2) for a, m in ((ys, values.shape[0]), (xs, values.shape[1])))
    fy, fx = (ys - y0)[:, None], xs - x0
    rows = values[y0] * (1 - fy) + values[y0 + 1] * fy
    return rows[:, x0] * (1 - fx) + rows[:, x0 + 1] * fx


def _amplitudes(signal: np.ndarray, position: np.ndarray, orders: np.ndarray, window: float) -> np.ndarray:
    """Complex amplitude ``[orders, rows, columns]`` of the harmonics of 5 mm, relative to ``position`` in mm."""
    rows, columns = (n // BLOCK for n in signal.shape)
    crop = np.s_[: rows * BLOCK, : columns * BLOCK]
    angle = ((-2 * np.pi / 5) * position[crop]).astype(np.float32)
    turn = np.cos(angle) + 1j * np.sin(angle)
    result = np.empty((len(orders), rows, columns), dtype=np.complex64)
    power, done = np.ones_like(turn), 0
    for k, order in enumerate(orders):
        for _ in range(int(order) - done):
            power = power * turn
        done = int(order)
        blocks = (signal[crop] * power).reshape(rows, BLOCK, columns, BLOCK).sum(axis=(1, 3))
        result[k] = ndimage.gaussian_filter(blocks, window)
    return result


def _match(amplitudes: np.ndarray, orders: np.ndarray, share: np.ndarray) -> np.ndarray:
    """How well lines at whole positions fit each block after each of ``_SHIFTS``, ``[rows, columns, shifts]``, at most 1."""
    turn = np.exp((-2j * np.pi / 5) * np.multiply.outer(orders, _SHIFTS))
    phase = amplitudes / (np.abs(amplitudes) + 1e-6)
    return np.einsum("o,oyx,os->yxs", share / share.sum(), phase, turn, optimize=True).real


def _spread(match: np.ndarray, seed: np.ndarray, near: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Offset in mm of each block, followed from the seed over neighbouring blocks; its clarity; which blocks were reached.

    A block's offset lies within half a millimetre of where its neighbours point, so no line is skipped.
    """
    common = match[seed].mean(axis=0).argmax()
    offset = np.where(seed, _SHIFTS[common], 0.0)
    known = np.zeros_like(seed)
    clear = np.zeros(seed.shape)
    reach = np.arange(-9, 10)
    front = seed
    guess = offset
    for level in _LEVELS:
        for _ in range(sum(match.shape)):
            index = np.round((guess - _SHIFTS[0]) / 0.05).astype(int)[..., None] + reach
            values = np.take_along_axis(match, index % len(_SHIFTS), axis=2)
            best = values.argmax(axis=2)
            height = np.take_along_axis(values, best[..., None], 2)[..., 0]
            new = front & (height > level)
            if not new.any():
                break
            offset = np.where(new, (np.take_along_axis(index, best[..., None], 2)[..., 0]) * 0.05 + _SHIFTS[0], offset)
            clear = np.where(new, height, clear)
            known = known | new
            front = ndimage.binary_dilation(known, np.ones((3, 3))) & near & ~known
            guess = local_planes(offset, np.where(known, clear, 0.0), 1.2)
        front = ndimage.binary_dilation(known, np.ones((3, 3))) & near & ~known
    return offset, clear, known
