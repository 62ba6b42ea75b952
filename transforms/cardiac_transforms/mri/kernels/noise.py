"""Noise of magnitude images: Rician for one receiver channel, non-central chi for several."""

from __future__ import annotations

import torch
from torch import Tensor


def reference_signal(image: Tensor) -> Tensor:
    """Intensity-weighted mean of each channel, ``sum I^2 / sum |I|``: the signal that a signal-to-noise ratio refers to.

    The mean signal of the tissue, however much air surrounds it: voxels of zero count nothing, and a uniform object on zero
    has its own intensity. Bright tissue weighs more.

    Args:
        image: ``(C, X, Y, Z)``.

    Returns:
        ``(C, 1, 1, 1)``; 0 for a channel of zeros.

    Example:
        >>> reference_signal(torch.tensor([0.0, 0, 0, 2]).view(1, 4, 1, 1)).item()
        2.0
    """
    flat = image.flatten(1)
    total = flat.abs().sum(1).clamp_min(torch.finfo(image.dtype).tiny)
    return (torch.linalg.vecdot(flat, flat) / total).view(-1, 1, 1, 1)


def magnitude_noise(image: Tensor, sigma: Tensor | float, coils: int, generator: torch.Generator) -> Tensor:
    """Root sum of squares over ``coils`` complex channels of equal noise, which together carry the signal ``image``.

    ``m^2 = sum_j (A_j + s n_2j)^2 + (s n_2j+1)^2`` with ``sum A_j^2 = image^2`` follows the non-central chi distribution with
    ``2 coils`` degrees of freedom; one coil gives the Rice distribution. Only its sum matters, so the signal may sit in one
    channel, and the squares of the ``2 (coils - 1)`` other noises are drawn as ``coils - 1`` exponentials: exact, and one
    random number a channel in place of two.

    Args:
        image: ``(C, X, Y, Z)``.
        sigma: SD of the real and of the imaginary noise, in units of the image; a number or ``(C, 1, 1, 1)``.
        coils: number of independent channels, 1 or more.
        generator: on the image's device. The noise depends on its state, the shape and the dtype.

    Returns:
        tensor like ``image``, not negative, with ``E[m^2] = image^2 + 2 coils sigma^2``.

    Reference:
        Gudbjartsson H, Patz S. Magn Reson Med 1995;34:910-914 (one channel); Constantinides CD, Atalar E, McVeigh ER.
        Magn Reson Med 1997;38:852-857 (several).
    """
    sigma = torch.as_tensor(sigma, dtype=image.dtype, device=image.device)
    field = torch.empty(image.shape, dtype=image.dtype, device=image.device)  # C order: the noise follows the index
    real = torch.addcmul(image, field.normal_(generator=generator), sigma)
    power = field.normal_(generator=generator).square_()
    if coils > 1:
        uniform = torch.empty_like(power)
        for _ in range(coils - 1):  # 1 - uniform is never 0
            power.sub_(uniform.uniform_(generator=generator).neg_().log1p_(), alpha=2)
    return real.square_().addcmul_(power, sigma.square()).sqrt_()
