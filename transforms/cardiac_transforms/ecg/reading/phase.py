"""The phase of grid lines: refines a rough map of the paper to a small fraction of a millimetre, place by place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cardiac_transforms.ecg.reading.smooth import Polynomial2D, local_planes

BLOCK = 32
"""Side in pixels of the blocks on which the phase is known."""
_PASSES = ((1.25, 0.75), (0.9, 1.0))
"""For each pass the standard deviation, in blocks, of the window in which lines are compared, and how much less each
harmonic counts than the one below: the rough map is good enough for the coarse ones first."""
_STEP = 0.05
_SHIFTS = np.arange(-2.5, 2.5, _STEP)
"""Offsets in mm that are tried, all that differ for lines every 5 mm."""
_REACH = np.arange(-9, 10)
"""Steps that a block's offset may lie from where its neighbours point: less than half a millimetre."""
_ORDERS = 5
"""How many harmonics are compared, beside the lowest."""
_MOST = 0.5
"""Largest share of one harmonic in how well lines fit."""
_THICK = 0.12
"""Amplitude of a harmonic of 5 mm alone, against the strongest, that tells thick lines; twice the width gives 0.16."""
_LEVELS = (0.75, 0.6, 0.45, 0.35)
"""How clear the lines of a block must be, as the front of known blocks moves on."""


@dataclass(frozen=True)
class PhaseMap:
    """Position of the lines of one family on a lattice of blocks.

    Attributes:
        millimetres: ``[rows, columns]``, across the lines.
        clear: how well lines fit there, up to 1.
        known: bool, blocks that the lines were followed to.
        thick: whether lines every 5 mm stand out from those every millimetre.
    """

    millimetres: np.ndarray
    clear: np.ndarray
    known: np.ndarray
    thick: bool


def lattice(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Columns (x) and rows (y) of the centres of the blocks of a picture of ``shape`` (height, width)."""
    ys, xs = ((np.arange(n // BLOCK) + 0.5) * BLOCK - 0.5 for n in shape)
    return xs, ys


def cut_blocks(signal: np.ndarray) -> np.ndarray:
    """The blocks ``[rows, columns, BLOCK, BLOCK]`` of a picture; what is left over at its right and lower border is dropped."""
    rows, columns = (n // BLOCK for n in signal.shape)
    parts = signal[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    return np.ascontiguousarray(parts.swapaxes(1, 2))


def follow_phase(
    blocks: np.ndarray, rough: np.ndarray, weights: np.ndarray, near: np.ndarray, seed: np.ndarray
) -> PhaseMap | None:
    """Follow one family of lines from a clear place to its ends.

    Args:
        blocks: from :func:`cut_blocks`.
        rough: millimetres across the lines at the blocks' centres ``[rows, columns]``, with the right slopes and any constant.
        weights: how much each multiple of the 5 mm frequency counts, ``[HARMONICS]``.
        near: bool ``[rows, columns]``: blocks where there may be lines.
        seed: bool ``[rows, columns]``: the clear place.

    Returns:
        The map; ``None`` where the lines do not hold together.
    """
    orders = np.unique(np.append(np.argsort(-weights)[:_ORDERS], np.flatnonzero(weights)[0])) + 1
    shape = (near.shape[0] * BLOCK, near.shape[1] * BLOCK)
    xs, ys = lattice(shape)
    points = np.stack(np.meshgrid(xs, ys), axis=-1)
    position = rough
    for window, trust in _PASSES:
        amplitudes = _amplitudes(blocks, position, orders, window)
        strength = np.median(np.abs(amplitudes[near]), axis=0)
        share = _limited((weights[orders - 1] + 0.3) * strength * trust ** (orders - 1))
        match = _match(amplitudes, orders, share)
        offset, clear, known = _spread(match, seed, near)
        if known.sum() < 9:
            return None
        weight = clear**2
        trend = Polynomial2D(shape, 5 if known.sum() > 60 else 1)
        trend.fit(trend.values(points[known]), offset[known], weight[known], 0.3)
        smooth = trend.grid(xs, ys)
        rest = local_planes(offset - smooth, weight, 0.8)
        position = position + smooth + rest * np.clip(ndimage.gaussian_filter(weight, 0.8) * 4, 0, 1)
    thick = bool(strength[orders < 5].max(initial=0) > _THICK * strength.max())
    return PhaseMap(position, clear, known, thick)


def _limited(share: np.ndarray) -> np.ndarray:
    """Shares that sum to 1, the largest at most ``_MOST``: one wave alone, which is clear anywhere, makes no comb."""
    share = share / share.sum()
    largest = share.argmax()
    if share[largest] > _MOST:
        share = share * (1 - _MOST) / (1 - share[largest])
        share[largest] = _MOST
    return share


def _amplitudes(blocks: np.ndarray, position: np.ndarray, orders: np.ndarray, window: float) -> np.ndarray:
    """Complex amplitude ``[rows, columns, orders]`` of the harmonics of 5 mm, relative to ``position`` in mm.

    Within a block the position is taken to be a plane, so that the harmonics are products of a row and a column.
    """
    rows, columns = position.shape
    wave = (-2 * np.pi / 5 * orders).astype(np.float32)
    t = np.arange(BLOCK, dtype=np.float32) - (BLOCK - 1) / 2
    by_y, by_x = (
        np.multiply.outer(slope.astype(np.float32), np.multiply.outer(t, wave)).reshape(-1, BLOCK, len(orders))
        for slope in np.gradient(position, BLOCK, edge_order=2)
    )
    signal = blocks.reshape(-1, BLOCK, BLOCK)
    row = np.cos(by_y) + 1j * np.sin(by_y)
    total = ((signal @ np.cos(by_x) + 1j * (signal @ np.sin(by_x))) * row).sum(axis=1).reshape(rows, columns, -1)
    total *= np.exp(1j * np.multiply.outer(position, wave))
    return ndimage.gaussian_filter(total, window, axes=(0, 1))


def _match(amplitudes: np.ndarray, orders: np.ndarray, share: np.ndarray) -> np.ndarray:
    """How well lines at whole positions fit each block after each of ``_SHIFTS``, ``[rows, columns, shifts]``, at most 1."""
    turn = np.exp((-2j * np.pi / 5) * np.multiply.outer(orders, _SHIFTS)) * share[:, None]
    phase = amplitudes / (np.abs(amplitudes) + 1e-6)
    return phase.real @ turn.real - phase.imag @ turn.imag


def _spread(match: np.ndarray, seed: np.ndarray, near: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Offset in mm of each block, followed from the seed over neighbouring blocks; its clarity; which blocks were reached.

    A block's offset lies within half a millimetre of where its neighbours point, so no line is skipped.
    """
    offset = np.where(seed, _SHIFTS[match[seed].mean(axis=0).argmax()], 0.0)
    clear = np.zeros(seed.shape)
    known = np.zeros_like(seed)
    front, guess = seed, offset
    for level in _LEVELS:
        while True:
            index = np.round((guess[front] - _SHIFTS[0]) / _STEP).astype(int)[:, None] + _REACH
            values = np.take_along_axis(match[front], index % len(_SHIFTS), axis=1)
            best = values.argmax(axis=1)[:, None]
            height = np.take_along_axis(values, best, axis=1)[:, 0]
            good = height > level
            if not good.any():
                break
            places = tuple(axis[good] for axis in np.nonzero(front))
            offset[places] = np.take_along_axis(index, best, axis=1)[good, 0] * _STEP + _SHIFTS[0]
            clear[places] = height[good]
            known[places] = True
            front = ndimage.maximum_filter(known, 3) & near & ~known
            guess = local_planes(offset, clear, 1.2)
    return offset, clear, known
