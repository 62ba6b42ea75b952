"""Incomplete coverage of k-space: lines that were never read and are zero-filled.

The object is a magnitude image of phase zero, so its k-space is Hermitian, and half of it (``rfft`` along one axis) is all
that is ever computed. Images are channel-first ``(C, X, Y, Z)``; kernel axes are 1 (X), 2 (Y) and 3 (Z).

A width of ``w`` lines need not be whole or odd: the band holds the frequencies up to ``w / 2`` cycles per field of view on
either side of zero, and a line at its edge counts by the share of it that lies inside. So the coverage is symmetric about
zero frequency for even and odd sizes, and changes smoothly with ``w``.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def central_band(size: int, width: float) -> Tensor:
    """Share of each k-space line inside the central band.

    Args:
        size: samples along the axis.
        width: lines in the band, of ``size``. Zero frequency is always inside.

    Returns:
        float64 ``(size // 2 + 1,)`` for the lines 0, 1, ... cycles per field of view, values 0 to 1. Mirrored to the
        negative lines the shares add up to ``width``.

    Example:
        >>> central_band(8, 4).tolist(), central_band(8, 8).tolist()
        ([1.0, 1.0, 0.5, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0, 1.0])
    """
    share = (width / 2 + 0.5 - torch.arange(size // 2 + 1, dtype=torch.float64)).clamp(0, 1)
    share[0] = 1
    if size % 2 == 0:  # the Nyquist line is the half lines of both ends in one sample
        share[-1] = min(1, 2 * share[-1])
    return share


def filter_lines(image: Tensor, weight: Tensor, axis: int) -> Tensor:
    """Weight the k-space lines along one axis, alike on both sides of zero frequency.

    Args:
        image: real ``(C, X, Y, Z)``.
        weight: ``(size // 2 + 1,)`` real, for the lines 0, 1, ... cycles per field of view.
        axis: 1, 2 or 3.

    Returns:
        real tensor like ``image``; it may be negative where it rings.
    """
    size, lines = image.shape[axis], int(weight.nonzero()[-1]) + 1
    spectrum = torch.fft.rfft(image, dim=axis).narrow(axis, 0, lines)
    spectrum = spectrum * weight[:lines].to(image).view(-1, *[1] * (3 - axis))
    return torch.fft.irfft(spectrum, n=size, dim=axis)


def central_kspace(image: Tensor, fractions: Sequence[float], axes: Sequence[int]) -> Tensor:
    """Magnitude image of the central share of k-space along each axis; the rest is zero-filled.

    Equals convolution with a periodic sinc of the acquired voxel size, which rings at edges (Gibbs).

    Args:
        image: ``(C, X, Y, Z)``.
        fractions: acquired share of the lines along each of ``axes``, above 0 to 1.
        axes: 1, 2 or 3.

    Returns:
        tensor like ``image``; its magnitude where nothing is cut off.

    Example:
        >>> central_kspace(torch.tensor([0.0, 0, 1, 1, 1, 1, 0, 0]).view(1, 8, 1, 1), [0.5], [1]).flatten()[:4]
        tensor([0.1036, 0.2500, 0.7500, 1.1036])
    """
    for fraction, axis in zip(fractions, axes, strict=True):
        if fraction < 1 and image.shape[axis] > 1:
            image = filter_lines(image, central_band(image.shape[axis], fraction * image.shape[axis]), axis)
    return image.abs()


def one_sided_kspace(image: Tensor, fraction: float, axis: int) -> Tensor:
    """Magnitude image of partial Fourier data: one side of k-space ends early and is zero-filled.

    The acquired weights split into an even and an odd part, ``K = E + i O`` with Hermitian ``E`` and ``O``, so two real
    inverse transforms and their root sum of squares give the magnitude. Which side is missing makes no difference to it.

    Args:
        image: ``(C, X, Y, Z)``.
        fraction: acquired share of all lines, 0.5 to 1.
        axis: phase-encode axis, 1 or 2.

    Returns:
        tensor like ``image``.

    Reference:
        McGibney G, et al. Quantitative evaluation of several partial Fourier reconstruction algorithms used in MRI.
        Magn Reson Med 1993;30:51-59 (there: zero filling).
    """
    size = image.shape[axis]
    if fraction >= 1 or size == 1:
        return image.abs()
    short = central_band(size, (2 * fraction - 1) * size).to(image)
    weight_even, weight_odd = (1 + short) / 2, (1 - short) / 2
    if size % 2 == 0:
        weight_odd[-1] = 0  # both ends meet in the Nyquist line: it has no odd part
    spectrum = torch.fft.rfft(image, dim=axis)
    along = (-1, *[1] * (3 - axis))
    even = torch.fft.irfft(spectrum * weight_even.view(along), n=size, dim=axis)
    odd = torch.fft.irfft(spectrum * (-1j * weight_odd).view(along), n=size, dim=axis)
    return torch.hypot(even, odd)
