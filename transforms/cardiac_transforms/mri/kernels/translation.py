"""Translation of the object from k-space line to k-space line, in two or three real Fourier transforms.

A displacement ``d`` multiplies k-space by ``exp(-2 pi i k d / n)``, so every line may have its own at no further cost. The
image ``K = F P`` of the disturbed spectrum is complex. It is split as ``K = E + i O`` into two Hermitian spectra,

    E = F (P(k) + P*(-k)) / 2,    O = F (P(k) - P*(-k)) / 2i,

whose images are the real and the imaginary part; ``F`` needs one real transform and each part one. ``P*(-k)`` is the ramp of
the displacement at the mirrored line.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

BLOCK = 2**16
"""Samples worked on at a time: what lies between the transforms stays in the cache, and memory is never the bound."""


def translate_lines(image: Tensor, shift: Tensor, axis: int) -> Tensor:
    """Magnitude image of an object that lies elsewhere while each k-space line is read.

    Interpolation is exact for periodic, band-limited images: what leaves the field enters it on the other side. The Nyquist
    frequency of an even size has no partner and keeps the real part of its ramp, so that an object which is displaced alike
    in all lines stays real. Without movement along the readout there is no transform along it.

    Args:
        image: ``(C, X, Y, Z)``, real.
        shift: ``(lines, 2)``, displacement in voxels along X and Y while line ``i`` is read, positive to higher indices; lines
            run from the most negative frequency, the k-space centre is line ``lines // 2``.
        axis: phase-encode axis of ``image``, 1 (X) or 2 (Y); it has ``lines`` samples.

    Returns:
        magnitude, of the shape and dtype of ``image``.

    Raises:
        ValueError: if ``axis`` is not 1 or 2, or ``shift`` does not fit the lines.

    Example:
        >>> impulse = torch.eye(5)[2].reshape(1, 1, 5, 1)
        >>> translate_lines(impulse, torch.tensor([[0.0, 1.0]]).expand(5, 2), axis=2).flatten().round(decimals=4).tolist()
        [0.0, 0.0, 0.0, 1.0, 0.0]
    """
    if axis not in (1, 2):
        raise ValueError(f"axis must be 1 or 2 (phase encoding in plane), not {axis}.")
    lines = image.shape[axis]
    if shift.shape != (lines, 2):
        raise ValueError(f"shift must be ({lines}, 2), one displacement for each line, not {tuple(shift.shape)}.")
    shift = shift.to(image.device, torch.float64)
    if not shift.any():
        return image.abs()
    readout = 3 - axis
    dims = (readout, axis) if shift[:, readout - 1].any() else (axis,)
    k = torch.arange(lines // 2 + 1, device=image.device)
    # the ramps at frequencies k and, conjugated, at -k
    here = _ramp(shift[(lines // 2 + k) % lines], k, image, dims)
    mirrored = _ramp(shift[lines // 2 - k], k, image, dims)
    factors = [(here + mirrored) / 2, (here - mirrored) / 2j]
    if torch.equal(here, mirrored):
        del factors[1]
    size = [image.shape[d] for d in dims]
    out = torch.empty_like(image)
    cut = readout if len(dims) == 1 else 3
    step = max(1, BLOCK * image.shape[cut] // image.numel())
    for block, target in zip(image.split(step, cut), out.split(step, cut), strict=True):
        spectrum = torch.fft.rfftn(block, dim=dims)
        parts = [torch.fft.irfftn(spectrum * factor, s=size, dim=dims) for factor in factors]
        # first in the layout of the transforms, then laid out anew: faster than both at once
        target.copy_(parts[0].hypot_(parts[1]) if len(parts) == 2 else parts[0].abs_())
    return out


def _ramp(shift: Tensor, k: Tensor, image: Tensor, dims: tuple[int, ...]) -> Tensor:
    """``exp(-2 pi i k d / n)`` at phase-encode frequencies ``k``, to be multiplied with a spectrum ``(C, X, Y, Z)``."""
    axis, readout = dims[-1], 3 - dims[-1]
    ramp = _phase(k * shift[:, axis - 1], k, image.shape[axis], image.dtype)[:, None]
    if readout in dims:
        n = image.shape[readout]
        across = torch.fft.fftfreq(n, 1 / n, dtype=torch.float64, device=image.device)
        ramp = ramp * _phase(shift[:, readout - 1, None] * across, across, n, image.dtype)
    return (ramp.T if axis == 2 else ramp)[None, ..., None]


def _phase(cycles: Tensor, k: Tensor, n: int, dtype: torch.dtype) -> Tensor:
    """``exp(-2 pi i cycles / n)``, at the Nyquist frequency only its real part."""
    turns = cycles / n
    angle = ((turns.round() - turns) * (2 * math.pi)).to(dtype)  # whole turns taken off while it is in float64
    return torch.complex(angle.cos(), torch.where(2 * k.abs() == n, 0, angle.sin()))
