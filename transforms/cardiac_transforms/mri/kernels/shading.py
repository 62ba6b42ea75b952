"""Smooth multiplicative shading: a polynomial bias field and the sensitivity of surface coils."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor


@lru_cache(maxsize=64)
def discrete_legendre(size: int, degree: int) -> Tensor:
    """Legendre polynomials made orthogonal on the samples themselves (Gram polynomials), each of mean square 1.

    Every one but the first sums to zero exactly, which the continuous polynomials at the voxels do not.

    Args:
        size: number of samples, from -1 to 1 at their centres.
        degree: highest order; orders of ``size`` and above do not exist and are rows of zeros.

    Returns:
        float64 ``(degree + 1, size)``, kept for the next call: not to be written to.

    Example:
        >>> discrete_legendre(3, 1)
        tensor([[ 1.0000,  1.0000,  1.0000],
                [-1.2247,  0.0000,  1.2247]], dtype=torch.float64)
    """
    position = (2 * torch.arange(size, dtype=torch.float64) + 1) / size - 1
    rows = torch.zeros(degree + 1, size, dtype=torch.float64)
    rows[0] = 1
    for order in range(1, min(degree, size - 1) + 1):
        row = position * rows[order - 1]
        for _ in range(2):  # the second pass takes off what rounding left
            row = row - (rows[:order] @ row / size) @ rows[:order]
        rows[order] = row / row.square().mean().sqrt()
    return rows


def polynomial_shading(image: Tensor, coefficients: Tensor) -> Tensor:
    """``image * exp(sum_ijk c_ijk P_i(x) P_j(y) P_k(z))`` with the polynomials of :func:`discrete_legendre`.

    As these are orthonormal over the voxels, the log of the gain has mean ``c_000`` and SD ``sqrt(sum of the other c^2)``.
    Evaluated axis by axis, the last one by a single matrix product.

    Args:
        image: ``(C, X, Y, Z)``.
        coefficients: ``(I, J, K)``, by order along X, Y and Z; orders that a short axis does not have are left out.

    Returns:
        tensor like ``image``.

    Reference:
        Van Leemput K, et al. Automated model-based bias field correction of MR images of the brain.
        IEEE Trans Med Imaging 1999;18:885-896 (log of the gain as a polynomial).
    """
    grid = image.shape[1:]
    x, y, z = (discrete_legendre(size, orders - 1) for size, orders in zip(grid, coefficients.shape, strict=True))
    plane = torch.einsum("ijk,jb,kc->ibc", coefficients.to(x), y, z).flatten(1)
    log_gain = x.T.to(image) @ plane.to(image)
    return image * log_gain.exp_().view(grid)


def coil_shading(image: Tensor, positions: Tensor, radius: float, spacing: tuple[float, float, float]) -> Tensor:
    """Multiply by the sensitivity of circular surface coils, of mean 1 over the image.

    One coil has the on-axis field of a current loop (Biot-Savart), ``s = (1 + d^2 / R^2)^(-3/2)``, with the distance ``d``
    from its centre in every direction; several combine by root sum of squares.

    Args:
        image: ``(C, X, Y, Z)``.
        positions: ``(coils, 3)``, mm along X, Y and Z from the centre of the image.
        radius: R in mm.
        spacing: voxel size in mm.

    Returns:
        tensor like ``image``.

    Reference:
        Hayes CE, Axel L. Noise performance of surface coils for magnetic resonance imaging at 1.5 T. Med Phys
        1985;12:604-607 (loop); Roemer PB, et al. The NMR phased array. Magn Reson Med 1990;16:192-225 (combination).
    """
    x, y, z = (
        ((torch.arange(n, dtype=torch.float64) - (n - 1) / 2) * mm - positions[:, axis, None].double()) / radius
        for axis, (n, mm) in enumerate(zip(image.shape[1:], spacing, strict=True))
    )
    in_plane = (1 + x.square()[:, :, None] + y.square()[:, None, :]).to(image)
    through = z.square().to(image)
    power = torch.zeros(image.shape[1:], dtype=image.dtype, device=image.device)
    for plane, slices in zip(in_plane, through, strict=True):
        squared = (plane[..., None] + slices).reciprocal_()
        power.add_(squared.square().mul_(squared))
    gain = power.sqrt_()
    return image * gain.div_(gain.mean())
