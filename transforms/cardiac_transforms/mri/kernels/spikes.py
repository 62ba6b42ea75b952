"""Spikes in k-space: single corrupted samples, which lay a plane wave over the image (herringbone)."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def add_spikes(image: Tensor, lines: Tensor, share: Tensor, phase: Tensor) -> Tensor:
    """Magnitude image after single k-space samples of each slice were raised.

    A sample at ``k`` of relative size ``a`` and phase ``p`` adds ``a m exp(i (2 pi k r / N + p))`` to the complex image, with
    ``m`` the mean of the slice, that is, its k-space centre: no Fourier transform is needed. The waves are
    evaluated in plane only, by ``cos(a + b) = cos a cos b - sin a sin b`` from one vector per axis.

    Args:
        image: ``(C, X, Y, Z)``, of phase zero.
        lines: ``(S, 2)`` integers, the samples' cycles per field of view along X and Y.
        share: ``(S,)``, magnitude of each spike relative to that of the k-space centre of the same slice.
        phase: ``(S,)``, radians at the first voxel.

    Returns:
        tensor like ``image``, not negative; scales with the image.

    Reference:
        Graves MJ, Mitchell DG. Body MRI artifacts in clinical practice: a physicist's and radiologist's perspective.
        J Magn Reson Imaging 2013;38:269-287.

    Example:
        >>> add_spikes(torch.ones(1, 4, 1, 1), torch.tensor([[1, 0]]), torch.tensor([0.5]), torch.zeros(1)).flatten()
        tensor([1.5000, 1.1180, 0.5000, 1.1180])
    """
    x, y = (
        (lines[:, axis, None] * torch.arange(size, device=image.device) % size).double() * (2 * math.pi / size)
        for axis, size in enumerate(image.shape[1:3])
    )
    x, share = x + phase.double()[:, None], share.double()
    cos, sin = share[:, None] * x.cos(), share[:, None] * x.sin()
    wave = torch.stack([cos.T @ y.cos() - sin.T @ y.sin(), sin.T @ y.cos() + cos.T @ y.sin()])
    real, imaginary = wave.to(image)[..., None]
    centre = image.mean((1, 2), keepdim=True).abs()
    total = torch.addcmul(image, centre, real)
    return total.mul_(total).addcmul_(centre.square(), imaginary.square()).sqrt_()
