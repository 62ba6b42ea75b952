"""Low resolution on the same grid: thick slices with a profile and gaps, and large voxels in plane.

Through-plane, a stack of thick slices is a matrix along Z: each thick slice is the profile-weighted mean of the fine ones, and
linear interpolation between the thick slices' centres leads back to the original grid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad

from cardiac_transforms.mri.kernels.coverage import central_band, filter_lines
from cardiac_transforms.mri.kernels.slice_shift import misalign_slices

PROFILES = ("rectangular", "gaussian")


def thick_slices(
    size: int, spacing: float, thickness: float, gap: float = 0.0, profile: str = "rectangular"
) -> tuple[Tensor, Tensor]:
    """Matrices from a fine stack to thick slices and back to the fine grid.

    The thick slices lie ``thickness + gap`` apart, centred on the stack, as many as cover it; what sticks out at the ends
    averages over the part inside. Beyond the outermost centres the outermost slice is repeated.

    Args:
        size: number of fine slices.
        spacing: mm between them; each fine slice is that thick.
        thickness: mm; the profile's full width at half maximum.
        gap: mm between the edges of neighbouring slices.
        profile: ``rectangular`` (ideal selection) or ``gaussian`` (its tails reach over the gaps).

    Returns:
        float64 ``(thick, size)``, rows of sum 1, and ``(size, thick)``, rows of sum 1.

    Raises:
        ValueError: for an unknown profile.

    Example:
        >>> mean, back = thick_slices(4, spacing=2, thickness=4)
        >>> mean.tolist(), back[1].tolist()
        ([[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]], [0.75, 0.25])
    """
    step = thickness + gap
    count = max(1, math.ceil(size * spacing / step - 1e-6))
    centre = (torch.arange(count, dtype=torch.float64) - (count - 1) / 2) * step
    edge = (torch.arange(size + 1, dtype=torch.float64) - size / 2) * spacing
    offset = (edge - centre[:, None]) / thickness
    if profile == "rectangular":
        below = offset.clamp(-0.5, 0.5)
    elif profile == "gaussian":
        below = torch.special.erf(offset * (2 * math.sqrt(math.log(2)))) / 2
    else:
        raise ValueError(f"profile must be 'rectangular' or 'gaussian', got {profile!r}.")
    mean = below.diff(dim=1)
    fine = (edge[:-1] + edge[1:]) / 2
    # the distance to the nearest centre decides which hat function a fine slice lies under
    place = (fine.clamp(float(centre[0]), float(centre[-1])) - centre[0]) / step
    back = (1 - (place[:, None] - torch.arange(count)).abs()).clamp_min(0)
    return mean / mean.sum(1, keepdim=True), back


def average_slices(image: Tensor, mean: Tensor, back: Tensor, shift: Tensor | None = None) -> Tensor:
    """Thick slices on the original grid, each optionally moved in plane before going back to it.

    Args:
        image: ``(C, X, Y, Z)``.
        mean: ``(thick, Z)`` from :func:`thick_slices`.
        back: ``(Z, thick)`` from :func:`thick_slices`.
        shift: ``(thick, 2)``, voxels along X and Y by which each thick slice is displaced (bilinear).

    Returns:
        tensor like ``image``.
    """
    if shift is None:  # one pass over the image
        return image @ (back @ mean).T.to(image)
    return misalign_slices(image @ mean.T.to(image), pad(shift, (0, 1))) @ back.T.to(image)


def large_voxels(image: Tensor, fractions: Sequence[float]) -> Tensor:
    """Magnitude image of the central share of k-space in plane under a Hamming window: blurred, without visible ringing.

    Args:
        image: ``(C, X, Y, Z)``.
        fractions: spacing of the grid / acquired voxel size, along X and Y; an axis of 1 or more is left alone.

    Returns:
        tensor like ``image``. The point spread function's full width at half maximum is 1.8 acquired voxels; beside an edge
        it overshoots by less than 1 % of it.

    Reference:
        Harris FJ. On the use of windows for harmonic analysis with the discrete Fourier transform. Proc IEEE 1978;66:51-83.

    Example:
        >>> large_voxels(torch.tensor([0.0, 0, 1, 1, 1, 1, 0, 0]).view(1, 8, 1, 1), (0.5, 1)).flatten()[:4]
        tensor([0.1741, 0.3650, 0.6350, 0.8259])
    """
    for axis, fraction in enumerate(fractions, start=1):
        size = image.shape[axis]
        if fraction < 1 and size > 1:
            turn = (2 * math.pi / (fraction * size)) * torch.arange(size // 2 + 1, dtype=torch.float64)
            window = 0.54 + 0.46 * turn.clamp_max(math.pi).cos()
            image = filter_lines(image, window * central_band(size, fraction * size), axis)
    return image.abs()
