"""Statistics and monotonic maps for the standardisation of intensities."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def percentiles(values: Tensor, percents: Sequence[float]) -> list[float]:
    """Percentiles with linear interpolation between neighbours; computed on the host, where selection beats sorting.

    Args:
        values: any shape, not empty.
        percents: each 0 to 100.

    Example:
        >>> percentiles(torch.tensor([4.0, 0.0, 2.0]), (0, 25, 50))
        [0.0, 1.0, 2.0]
    """
    return [float(p) for p in np.percentile(values.cpu().numpy(), percents)]


def robust_spread(values: Tensor) -> float:
    """Standard deviation from the median absolute deviation (times 1.4826), which a tenth of outliers hardly changes.

    Example:
        >>> round(robust_spread(torch.tensor([1.0, 2.0, 3.0, 4.0, 500.0])), 4)
        1.4826
    """
    deviation = (values - percentiles(values, [50])[0]).abs()
    return 1.4826 * percentiles(deviation, [50])[0]


def piecewise_linear(image: Tensor, knots: Sequence[float], values: Sequence[float]) -> Tensor:
    """Map intensities by straight lines between knots; the outer lines go on beyond the outer knots.

    Args:
        image: any shape.
        knots: not falling; equal knots count as one, with the mean of their values.
        values: at each knot, not falling.

    Returns:
        tensor like ``image``; the first value throughout if all knots are equal.

    Raises:
        ValueError: falling knots or values, or not as many values as knots.

    Example:
        >>> piecewise_linear(torch.tensor([-4.0, 4.0, 12.0, 24.0]), [0, 8, 16], [0, 1, 3]).tolist()
        [-0.5, 0.5, 2.0, 5.0]
    """
    x, y = np.asarray(knots, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if x.shape != y.shape or (np.diff(x) < 0).any() or (np.diff(y) < 0).any():
        raise ValueError(f"knots and values must be as many, and neither may fall, got {knots!r} and {values!r}.")
    x, which, count = np.unique(x, return_inverse=True, return_counts=True)
    if len(x) == 1:
        return torch.full_like(image, float(y[0]))
    y = np.bincount(which, y) / count
    result = torch.full_like(image, float(y[0]))
    for i, (start, width, slope) in enumerate(zip(x[:-1], np.diff(x), np.diff(y) / np.diff(x), strict=True)):
        # each segment adds its own share, so nothing cancels and rounding keeps the order of intensities
        low, high = (-math.inf if i == 0 else 0.0), (math.inf if i == len(x) - 2 else float(width))
        result.add_((image - float(start)).clamp_(low, high), alpha=float(slope))
    return result
