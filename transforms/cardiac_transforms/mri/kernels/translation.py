"""Translation of the object from k-space line to k-space line, by phase ramps.

A displacement ``d`` multiplies k-space by ``exp(-2 pi i k d / n)``, so every line may have its own at no further cost: one
Fourier transform there and one back for any number of poses.
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
    if shift[:, 2 - axis].any():
        return _in_plane(image, shift, axis)
    return _along_phase_axis(image, shift[:, axis - 1], axis)


def _in_plane(image: Tensor, shift: Tensor, axis: int) -> Tensor:
    """Displacement in any direction: 2-D transforms of complex images."""
    k = [torch.fft.fftfreq(n, 1 / n, dtype=torch.float64, device=image.device) for n in image.shape[1:3]]
    of_line = shift.roll(-(len(shift) // 2), 0).T  # zero frequency first, as in k
    across = 3 - axis
    along = _phase(k[axis - 1] * of_line[axis - 1], k[axis - 1], image.shape[axis], image.dtype)
    turns = k[across - 1][:, None] * of_line[across - 1]
    ramp = along * _phase(turns, k[across - 1][:, None], image.shape[across], image.dtype)
    ramp = (ramp if axis == 2 else ramp.T).contiguous()[None, ..., None]
    out = torch.empty_like(image)
    for block, target in zip(image.split(SLICES, 3), out.split(SLICES, 3), strict=True):
        spectrum = torch.fft.fft2(block, dim=(1, 2)).mul_(ramp)
        picture = torch.view_as_real(torch.fft.ifft2(spectrum, dim=(1, 2)))
        torch.hypot(picture[..., 0], picture[..., 1], out=target)
    return out


def _along_phase_axis(image: Tensor, shift: Tensor, axis: int) -> Tensor:
    """Displacement along the phase-encode axis alone: 1-D transforms of real images.

    The disturbed spectrum ``K = F P`` is split into two Hermitian ones, ``K = E + i O``, whose images are the real and the
    imaginary part: ``E = F (P(k) + P*(-k)) / 2`` and ``O = F (P(k) - P*(-k)) / 2i``, where ``P*(-k)`` is the ramp of the
    displacement at the mirrored line.
    """
    lines = image.shape[axis]
    k = torch.arange(lines // 2 + 1, device=image.device)
    shape = (1, -1, 1, 1) if axis == 1 else (1, 1, -1, 1)
    here = _phase(k * shift[(lines // 2 + k) % lines], k, lines, image.dtype).view(shape)
    mirrored = _phase(k * shift[lines // 2 - k], k, lines, image.dtype).view(shape)
    out = torch.empty_like(image)
    step = max(1, BLOCK * image.shape[3 - axis] // image.numel())
    for block, target in zip(image.split(step, 3 - axis), out.split(step, 3 - axis), strict=True):
        spectrum = torch.fft.rfft(block, dim=axis)
        even = torch.fft.irfft(spectrum * ((here + mirrored) / 2), n=lines, dim=axis)
        odd = torch.fft.irfft(spectrum.mul_((here - mirrored) / 2j), n=lines, dim=axis)
        torch.hypot(even, odd, out=target)
    return out


def _phase(cycles: Tensor, k: Tensor, n: int, dtype: torch.dtype) -> Tensor:
    """``exp(-2 pi i cycles / n)``, at the Nyquist frequency only its real part."""
    turns = cycles / n
    angle = ((turns.round() - turns) * (2 * math.pi)).to(dtype)  # whole turns taken off while it is in float64
    return torch.complex(angle.cos(), torch.where(2 * k.abs() == n, 0, angle.sin()))
