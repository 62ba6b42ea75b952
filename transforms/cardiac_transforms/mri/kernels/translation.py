"""Translation of the object from k-space line to k-space line, in three real Fourier transforms.

A displacement ``d`` multiplies k-space by ``P = exp(-2 pi i k d / n)``, so every line may have its own at no further cost. The
image of the disturbed spectrum ``K = F P`` is complex. It is split as ``K = E + i O`` into two Hermitian spectra,

    E = F (P(k) + P*(-k)) / 2,    O = F (P(k) - P*(-k)) / 2i,

whose images are the real and the imaginary part; ``F`` needs one real transform and each part one.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

BLOCK = 2**16
"""Voxels that are transformed at a time, along one axis: what lies between the transforms stays in the cache."""
SLICES = 4
"""Slices that are transformed at a time, in plane."""


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
    dims = [1, 2] if shift[:, 2 - axis].any() else [axis]
    ramp = _ramp(shift, image, dims, axis)
    mirrored = ramp.flip(dims).roll([1] * len(dims), dims).conj()
    size = [image.shape[d] for d in dims]
    half = [part.narrow(dims[-1], 0, size[-1] // 2 + 1) for part in ((ramp + mirrored) / 2, (ramp - mirrored) / 2j)]
    out = torch.empty_like(image)
    cut = 3 if len(dims) == 2 else 3 - axis
    step = SLICES if cut == 3 else max(1, BLOCK * image.shape[cut] // image.numel())
    for block, target in zip(image.split(step, cut), out.split(step, cut), strict=True):
        spectrum = torch.fft.rfftn(block, dim=dims)
        even, odd = (torch.fft.irfftn(spectrum * part, s=size, dim=dims) for part in half)
        target.copy_(torch.hypot(even, odd))  # hypot into the other memory layout takes three times as long
    return out


def _ramp(shift: Tensor, image: Tensor, dims: list[int], axis: int) -> Tensor:
    """``exp(-2 pi i k d / n)`` over the axes ``dims``, zero frequency first; fits a spectrum ``(C, X, Y, Z)``."""
    of_line = shift.roll(-(len(shift) // 2), 0).unflatten(0, (-1, 1) if axis == 1 else (1, -1))
    ramp = torch.ones(1, 1, dtype=image.dtype.to_complex(), device=image.device)
    for dim in dims:
        n = image.shape[dim]
        k = torch.fft.fftfreq(n, 1 / n, dtype=torch.float64, device=image.device)
        k = k[:, None] if dim == 1 else k
        ramp = ramp * _phase(k * of_line[..., dim - 1], k, n, image.dtype)
    return ramp[None, ..., None]


def _phase(cycles: Tensor, k: Tensor, n: int, dtype: torch.dtype) -> Tensor:
    """``exp(-2 pi i cycles / n)``, at the Nyquist frequency only its real part."""
    turns = cycles / n
    angle = ((turns.round() - turns) * (2 * math.pi)).to(dtype)  # whole turns taken off while it is in float64
    return torch.complex(angle.cos(), torch.where(2 * k.abs() == n, 0, angle.sin()))
