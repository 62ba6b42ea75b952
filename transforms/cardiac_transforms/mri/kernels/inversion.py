"""Inversion-recovery contrast: the signal equation, and how an image changes when the inversion time does.

Late enhancement is read at an inversion time at which normal myocardium has no signal. The signed signal of a tissue is

    M = PD (1 - 2 exp(-TI / T1) / (1 + exp(-T / T1))),

PD its proton density (with the coil's sensitivity), TI the inversion time and T the time between inversions, n RR intervals
(Kellman et al., MRM 2002;47:372). Magnitude images show ``|M|``, phase-sensitive ones (PSIR) ``M``. Times are in ms, images
``(C, X, Y, Z)``; ``signal`` below is M / PD, between -1 and 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

BRIGHT_T1 = 2 / 3
"""T1 of what is bright late after gadolinium (fat, dense scar) over that of nulled myocardium: 280/420, 300/450 ms."""


def inversion_recovery(t1: float | np.ndarray, ti: float, repetition: float = math.inf) -> np.ndarray:
    """Signal M / PD in the steady state, float64.

    Args:
        t1: longitudinal relaxation time, ms, any shape.
        ti: inversion time, ms.
        repetition: time between inversions T, ms; infinite for full recovery.

    Example:
        >>> inversion_recovery(np.array([330, 480]), 316, 1600).round(3).tolist()
        [0.238, 0.0]
    """
    t1 = np.asarray(t1, dtype=np.float64)
    return 1 - 2 * np.exp(-ti / t1) / (1 + np.exp(-repetition / t1))


def null_time(t1: float, repetition: float = math.inf) -> float:
    """Inversion time in ms at which a tissue gives no signal, T1 ln(2 / (1 + exp(-T / T1))); always below T / 2.

    Example:
        >>> round(null_time(540, 1600)), round(null_time(540))
        (347, 374)
    """
    return t1 * math.log(2 / (1 + math.exp(-repetition / t1)))


def bright_signal(ti: float, repetition: float) -> float:
    """Signal of a tissue whose T1 is :data:`BRIGHT_T1` times the T1 that is nulled at ``ti``.

    Args:
        ti: inversion time, ms, below half of ``repetition``: above it nothing is nulled.
        repetition: time between inversions, ms.

    Example:
        >>> round(bright_signal(316, 1600), 3)
        0.26
    """
    low, high = ti, ti  # ti / ln 2 is the answer for an infinite repetition, and the smallest for any
    while null_time(high, repetition) < ti:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if null_time(middle, repetition) < ti else (low, middle)
    return float(inversion_recovery(BRIGHT_T1 * low, ti, repetition))


def signal_change(signal: Tensor, ti: float, error: float, repetition: float) -> Tensor:
    """Change of the signal when the inversion time changes, from the signal alone.

    The signal at ``ti`` gives T1, for it falls from 1 (T1 = 0) as T1 rises, to a minimum at a T1 of about the repetition
    time, which no tissue has after gadolinium; longer ones are left out. Interpolated in a table of 1024 values, error
    below 1e-4.

    Args:
        signal: M / PD at ``ti``, any shape; outside of what the equation allows the nearest allowed value counts.
        ti: inversion time of the image, ms.
        error: change of the inversion time, ms.
        repetition: time between inversions, ms.

    Returns:
        ``M(ti + error) / PD - M(ti) / PD``, shape and dtype of ``signal``.

    Example:
        >>> [round(d, 3) for d in signal_change(torch.tensor([0.0, 0.239, 1.0]), 316, 60, 1600).tolist()]
        [0.117, 0.127, 0.0]
    """
    t1 = np.geomspace(ti / 50, 100 * ti, 4096)
    before, after = inversion_recovery(t1, ti, repetition), inversion_recovery(t1, ti + error, repetition)
    last = min(int(before.argmin()), int(after.argmin()))  # so that both rise: the order of intensities is kept
    rising, low = slice(last, None, -1), float(before[last])
    grid = np.linspace(low, 1, 1024)
    change = np.interp(grid, before[rising], (after - before)[rising])
    # a last step of 0, so that there is one for a signal of 1
    table, steps = (
        torch.tensor(values, dtype=signal.dtype, device=signal.device)
        for values in (change, np.diff(change, append=change[-1]))
    )
    place = signal.clamp(low, 1).sub_(low).mul_(1023 / (1 - low))
    index = place.long()
    return place.sub_(index).mul_(steps.take(index)).add_(table.take(index))


def blend_labels(
    mask: Tensor, values: Mapping[int, float], dtype: torch.dtype = torch.float32
) -> tuple[Tensor, Tensor]:
    """Values of labelled tissues, blended in plane where they meet, as a voxel at a border holds both.

    Args:
        mask: label map ``(1, X, Y, Z)``.
        values: value of each label; other labels are not filled.
        dtype: of the result.

    Returns:
        sum of value times share, and share of the voxel that is filled, both ``(1, X, Y, Z)``: label maps smoothed by
        (1, 2, 1) / 4 along X and Y.

    Example:
        >>> [t.flatten().tolist() for t in blend_labels(torch.tensor([0, 1, 1, 1]).view(1, 4, 1, 1), {1: 8})]
        [[2.0, 6.0, 8.0, 8.0], [0.25, 0.75, 1.0, 1.0]]
    """
    value, share = (torch.zeros(mask.shape, dtype=dtype, device=mask.device) for _ in range(2))
    for label, tissue in values.items():
        here = mask == label
        value.add_(here, alpha=tissue)
        share.add_(here)
    return _smooth(value), _smooth(share)


def _smooth(image: Tensor) -> Tensor:
    """(1, 2, 1) / 4 along X and Y, edges repeated."""
    for axis in (1, 2):
        size = image.shape[axis]
        result = image / 2
        for to, of, count in ((1, 0, size - 1), (0, 1, size - 1), (0, 0, 1), (size - 1, size - 1, 1)):
            result.narrow(axis, to, count).add_(image.narrow(axis, of, count), alpha=0.25)
        image = result
    return image


def negative_voxels(image: Tensor, mask: Tensor, signals: Mapping[int, float], full: float | None) -> Tensor:
    """Where a magnitude image hides a negative signal, as far as labels tell; boolean, shape of ``image``.

    Labelled voxels are given their tissue's signal and others keep what the image shows, as positive; a labelled voxel is
    negative where the blend with its neighbours is. So the sign changes where the magnitude dips, between two labels and
    at the border of what is labelled.

    Args:
        image: magnitude ``(C, X, Y, Z)``.
        mask: label map ``(1, X, Y, Z)``.
        signals: M / PD of each label.
        full: PD in units of the image, from :func:`full_signal`; ``None``: nothing is negative.
    """
    if full is None:
        return torch.zeros_like(image, dtype=torch.bool)
    expected, labelled = image, torch.zeros_like(mask, dtype=torch.bool)
    for label, signal in signals.items():
        here = mask == label
        expected, labelled = torch.where(here, signal * full, expected), labelled | here
    return labelled & (_smooth(expected) < 0)


def full_signal(image: Tensor, mask: Tensor, signals: Mapping[int, float]) -> float | None:
    """PD in units of the image from labelled tissue: median magnitude over ``|signal|`` of the best determined label.

    That is the label with the largest voxel count times squared signal. Nulled tissue tells nothing: labels with less than
    10 voxels or ``|signal|`` below 0.05 are left out, and ``None`` is returned if none stays.

    Args:
        image: ``(C, X, Y, Z)``, magnitude or signed with zero at 0.
        mask: label map ``(1, X, Y, Z)``.
        signals: M / PD of each label.
    """
    best, full = 0.0, None
    for label, signal in signals.items():
        here = mask[0] == label
        count = int(here.sum())
        if count >= 10 and abs(signal) >= 0.05 and count * signal**2 > best:
            best, full = count * signal**2, float(image[:, here].abs().median()) / abs(signal)
    return full


def tissue_density(
    image: Tensor, levels: tuple[float, float], radius: tuple[int, int], fade: tuple[int, int]
) -> Tensor:
    """Where there is tissue, 0 to 1: nulled myocardium is dark for its T1, lung and air for want of protons.

    A dark band counts as tissue where it is narrow: the grey closing (largest value of a rectangle, then smallest) of the
    smoothed image fills bands narrower than the rectangle from their surroundings and leaves larger dark areas. Its mean
    over a second rectangle is mapped to 0 to 1 by a smooth step. If that one is large, a dark margin around tissue counts
    too: a nulled wall that borders on lung has tissue on one side only.

    Args:
        image: magnitude ``(C, X, Y, Z)``, not negative.
        levels: intensities up to which there is surely none, and from which there surely is tissue.
        radius: half the sides in voxels along X and Y of the rectangle of the closing.
        fade: the same of the mean.

    Example:
        >>> wall = torch.tensor([0, 0, 0, 0, 0, 0, 0, 0, 8, 8, 0, 8, 8]).float().view(1, 13, 1, 1)
        >>> [round(v, 2) for v in tissue_density(wall, (1, 7), (1, 0), (1, 0)).flatten().tolist()]
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.19, 0.66, 0.93, 0.93, 0.99, 1.0]
    """
    closed = _smooth(image)
    for sign in (1, -1):
        for axis, reach in zip((1, 2), radius, strict=True):
            closed = sign * _running_maximum(sign * closed, axis, reach)
    for axis, reach in zip((1, 2), fade, strict=True):
        closed = _running_mean(closed, axis, reach)
    step = ((closed - levels[0]) / (levels[1] - levels[0])).clamp_(0, 1)
    return step * step * (3 - 2 * step)


def _running_mean(image: Tensor, axis: int, reach: int) -> Tensor:
    """Mean over ``2 reach + 1`` neighbours along ``axis``, over fewer at the edges."""
    place = torch.arange(image.shape[axis], device=image.device)
    weight = ((place[:, None] - place).abs() <= reach).to(image.dtype)
    weight /= weight.sum(1, keepdim=True)
    return torch.tensordot(weight, image, dims=([1], [axis])).movedim(0, axis)


def _running_maximum(image: Tensor, axis: int, reach: int) -> Tensor:
    """Maximum over ``2 reach + 1`` neighbours along ``axis``, in a number of passes that grows with the logarithm."""
    shape = list(image.shape)
    shape[axis] = reach
    edge = image.new_full(shape, -math.inf)
    result, width = torch.cat([edge, image, edge], axis), 1
    while width < 2 * reach + 1:
        step = min(width, 2 * reach + 1 - width)
        size = result.shape[axis] - step
        result = torch.maximum(result.narrow(axis, 0, size), result.narrow(axis, step, size))
        width += step
    return result
