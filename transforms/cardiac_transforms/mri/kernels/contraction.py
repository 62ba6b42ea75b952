"""Radial contraction of the left ventricle in the short-axis plane: another cardiac phase from one image."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import grid_sample


def wall_of_mask(mask: Tensor, spacing: tuple[float, float]) -> tuple[Tensor, Tensor, Tensor]:
    """Centre and radii of the ring that fits a mask, slice by slice.

    The centre is that of the least-squares circle through the mask's voxels (``x^2 + y^2 = 2 a x + 2 b y + c``), which a
    thick or missing part of the wall moves less than the centroid; the centroid where they are less than half a circle.
    A ring of radii ``a < b`` has area ``pi (b^2 - a^2)`` and mean squared radius ``(a^2 + b^2) / 2``, which gives the radii.
    Where there is no hole (``a < b / 4``: the mask includes the cavity) the wall is taken to be a third of ``b``.

    Args:
        mask: ``(C, X, Y, Z)``, nonzero in the left ventricular myocardium, in any channel.
        spacing: mm along X and Y.

    Returns:
        centre ``(Z, 2)`` in voxels, inner and outer radius ``(Z,)`` in mm, float64; NaN in slices without mask.

    Reference:
        Kasa, IEEE Trans Instrum Meas 1976;25:8: circle fitting.

    Example:
        >>> x, y = torch.meshgrid(torch.arange(65.0), torch.arange(65.0), indexing="ij")
        >>> ring = (torch.hypot(x - 30, y - 34) - 16).abs() <= 4
        >>> centre, inner, outer = wall_of_mask(ring[None, ..., None], (1.0, 1.0))
        >>> centre.round(decimals=3).tolist(), round(inner.item()), round(outer.item())
        ([[30.0, 34.0]], 12, 20)
    """
    voxel = torch.tensor(spacing, dtype=torch.float64)
    walls = []
    for inside in mask.ne(0).any(0).cpu().unbind(-1):
        points = torch.nonzero(inside) * voxel
        centroid = points.mean(0)
        points = points - centroid
        square = points.square().sum(1)
        terms = torch.cat([2 * points, torch.ones(len(points), 1, dtype=points.dtype)], 1)
        offset = torch.linalg.lstsq(terms, square[:, None], driver="gelsd").solution[:2, 0]
        if offset.square().sum() < square.mean():
            centroid = centroid + offset
            square = (points - offset).square().sum(1)
        half_area = len(points) * voxel.prod() / (2 * math.pi)
        walls.append(torch.stack([*(centroid / voxel), square.mean() - half_area, square.mean() + half_area]))
    x, y, inner, outer = torch.stack(walls).unbind(1)
    inner, outer = inner.clamp_min(0).sqrt(), outer.sqrt()
    return torch.stack([x, y], 1), torch.where(inner < outer / 4, outer * (2 / 3), inner), outer


def contract(
    image: Tensor, centre: Tensor, inner: Tensor, outer: Tensor, inward: Tensor, spacing: tuple[float, float]
) -> Tensor:
    """Move the inner surface of a ring inwards; the ring keeps its area and so becomes thicker.

    A point now at radius r was at ``sqrt(r^2 + s v(r))`` with ``s = inner^2 - (inner - inward)^2``: in the wall ``v = 1`` (the
    incompressible cylinder without change of length), in the cavity v falls to 0 with r^2 (it is scaled as a whole),
    and outside v falls smoothly to 0 at twice the outer radius, beyond which nothing moves. Bicubic interpolation.

    Args:
        image: ``(C, X, Y, Z)``.
        centre: ``(Z, 2)``, voxels along X and Y.
        inner: ``(Z,)``, radius of the wall's inner surface in mm.
        outer: ``(Z,)``, radius of its outer surface in mm.
        inward: ``(Z,)``, displacement of the inner surface in mm, from 0 to below ``inner``; slices with NaN in any of
            these are left alone.
        spacing: mm along X and Y.

    Returns:
        tensor of the shape and dtype of ``image``.

    Raises:
        ValueError: ``inward`` is negative or reaches ``inner``.

    Reference:
        Guccione, McCulloch, Waldman, J Biomech Eng 1991;113:42: the left ventricle as an incompressible cylinder.
    """
    moved = torch.nonzero((inward != 0) & ~(inner + outer + inward + centre.sum(1)).isnan())[:, 0]
    if bool(((inward[moved] < 0) | (inward[moved] >= inner[moved])).any()):
        raise ValueError(f"inward must be 0 to below the inner radius, got {inward[moved].tolist()} mm.")
    out = image.clone()
    if not len(moved):
        return out
    centre, inner, outer, inward = (t[moved].to(image.device, torch.float64) for t in (centre, inner, outer, inward))
    reach = 2 * outer
    box = []  # only the part of the plane that moves is interpolated, from that and the 2 voxels around it
    for axis in (0, 1):
        extent = reach / spacing[axis]
        low = max(int((centre[:, axis] - extent).min().floor()) - 2, 0)
        high = min(int((centre[:, axis] + extent).max().ceil()) + 3, image.shape[axis + 1])
        box.append((low, max(high, low)))
    (x0, x1), (y0, y1) = box
    if x0 >= x1 or y0 >= y1:
        return out
    x, y = (
        (torch.arange(low, high, dtype=torch.float64, device=image.device) - centre[:, axis, None]) * spacing[axis]
        for axis, (low, high) in enumerate(box)
    )
    square = x[:, :, None] ** 2 + y[:, None, :] ** 2
    inner, outer, reach, inward = (t[:, None, None] for t in (inner, outer, reach, inward))
    now = (inner - inward) ** 2  # squared radius of the inner surface after contraction
    gain = inner**2 - now
    outside = ((reach**2 - square) / (reach**2 - (outer**2 - gain))).clamp(0, 1)
    share = torch.minimum((square / now).clamp(max=1), outside**2 * (3 - 2 * outside))
    scale = (1 + gain * share / square.clamp_min(1e-12)).sqrt()
    grid = []  # where the sample comes from, -1 and 1 being the first and the last voxel of the box
    for axis, ((low, high), place) in enumerate(zip(box, (x[:, :, None], y[:, None, :]), strict=True)):
        index = scale * place / spacing[axis] + centre[:, axis, None, None] - low
        grid.append(index * (2 / max(high - low - 1, 1)) - 1)
    planes = image[:, x0:x1, y0:y1, moved].movedim(-1, 0)
    sampled = grid_sample(
        planes, torch.stack(grid[::-1], -1).to(image.dtype), mode="bicubic", padding_mode="border", align_corners=True
    )
    out[:, x0:x1, y0:y1, moved] = torch.where((share > 0)[:, None], sampled, planes).movedim(0, -1)
    return out
