"""Displacement of the heart by breathing as a function of time, in mm.

Every function is pure and takes the time as a tensor of any shape; time and the other durations share one unit, which may be
seconds or shares of the acquisition. Displacement is along one axis (mostly feet to head) and 0 at end expiration.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def breath_hold_drift(time: Tensor, distance: float, decay: float) -> Tensor:
    """Slow drift of the diaphragm during a breath-hold, fastest at its beginning.

    ``distance * (1 - exp(-time / decay))``: the hold relaxes towards a rest position.

    Args:
        time: since the beginning of the hold.
        distance: mm from the first position to the one that a very long hold would reach.
        decay: time constant, > 0; much longer than the acquisition: a steady drift.

    Returns:
        mm, the shape of ``time``.

    Reference:
        Holland et al., Magn Reson Med 1998;39:954: drift of 0.15 mm/s in end-expiratory holds, 0.1 to 7.9 mm/s in
        end-inspiratory ones.

    Example:
        >>> breath_hold_drift(torch.tensor([0.0, 10.0, 1000.0]), 5.0, 10.0).numpy().round(2)
        array([0.  , 3.16, 5.  ], dtype=float32)
    """
    return distance * -torch.expm1(-time / decay)


def breathing(time: Tensor, depth: float, period: float, exponent: int = 3, phase: float = 0.0) -> Tensor:
    """Free breathing: ``depth * sin(pi * (time / period + phase)) ** (2 * exponent)``.

    Args:
        time: since the beginning of the acquisition.
        depth: mm from end expiration to end inspiration.
        period: of one breath.
        exponent: n of Lujan et al.; the larger, the longer the rest at end expiration.
        phase: share of a breath at time 0: 0 is end expiration, 0.5 end inspiration.

    Returns:
        mm, the shape of ``time``.

    Reference:
        Lujan et al., Med Phys 1999;26:715: cos^2n of ``pi * time / period`` counted from end inspiration.

    Example:
        >>> breathing(torch.tensor([0.0, 1.0, 2.0, 4.0]), 8.0, 4.0, exponent=1).round(decimals=2).tolist()
        [0.0, 4.0, 8.0, 0.0]
    """
    return depth * torch.sin(math.pi * (time / period + phase)) ** (2 * exponent)


def failed_breath_hold(time: Tensor, hold: float, depth: float, period: float, exponent: int = 3) -> Tensor:
    """A breath-hold at end expiration until ``hold``, then :func:`breathing`.

    Args:
        time: since the beginning of the hold.
        hold: time at which the patient breathes in.
        depth: mm from end expiration to end inspiration.
        period: of one breath.
        exponent: as in :func:`breathing`.

    Returns:
        mm, the shape of ``time``; 0 up to ``hold``.

    Example:
        >>> failed_breath_hold(torch.tensor([0.0, 9.0, 12.0]), 10.0, 8.0, 4.0).round(decimals=2).tolist()
        [0.0, 0.0, 8.0]
    """
    return breathing((time - hold).clamp_min(0), depth, period, exponent)


def periodic(lines: int, period: float, phase: float = 0.0) -> Tensor:
    """Oscillation from k-space line to k-space line: ``sin(2 pi * (k / period + phase))``, k counted from the centre.

    Motion whose cycle spans ``period`` lines gives ghosts at multiples of the field of view over ``period``.

    Args:
        lines: number of k-space lines; the centre is line ``lines // 2``.
        period: lines per cycle, at least 2 (there is no faster oscillation between lines).
        phase: share of a cycle at the k-space centre.

    Returns:
        ``(lines,)``, float64, -1 to 1.

    Raises:
        ValueError: ``period`` is less than 2.

    Example:
        >>> (periodic(5, 4) + 1).round(decimals=6).tolist()
        [1.0, 0.0, 1.0, 2.0, 1.0]
    """
    if period < 2:
        raise ValueError(f"period must be at least 2 lines, got {period!r}.")
    line = torch.arange(lines, dtype=torch.float64) - lines // 2
    return torch.sin(2 * math.pi * (line / period + phase))
