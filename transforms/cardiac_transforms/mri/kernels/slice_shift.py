"""Slices of a stack that were taken elsewhere: each with its own shift in plane and its own height."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

MODES = ("bilinear", "nearest")


def misalign_slices(image: Tensor, shift: Tensor, mode: str = "bilinear") -> Tensor:
    """What a stack shows when the object is displaced while each slice is taken.

    Slice z shows the object at height ``z - shift[z, 2]`` (linear between slices; the outermost ones go on beyond the stack),
    then moves in plane by ``shift[z, :2]`` (bilinear; zero enters from outside the field). Whole voxels are exact.

    Args:
        image: ``(C, X, Y, Z)``; any type with ``mode="nearest"``, else floating point.
        shift: ``(Z, 3)``, displacement of the object in voxels along X, Y and Z.
        mode: ``bilinear`` (linear along Z too) or ``nearest``.

    Returns:
        tensor of the shape and dtype of ``image``.

    Raises:
        ValueError: ``shift`` does not fit the slices, or for an unknown mode.

    Example:
        >>> stack = torch.tensor([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])[None, :, None]
        >>> misalign_slices(stack, torch.tensor([[0, 0, 0], [1, 0, -0.5], [0, 0, 0]]))[0, :, 0].tolist()
        [[0.0, 0.0, 0.0], [1.0, 0.0, 3.0], [0.0, 2.5, 0.0]]
    """
    shift = _checked(image, shift, mode)
    stored = torch.arange(image.shape[3], dtype=torch.float64)
    return _shift_in_plane(_at_heights(image, stored, stored - shift[:, 2], mode), shift[:, :2], mode)


def realign_slices(image: Tensor, shift: Tensor, mode: str = "bilinear") -> Tensor:
    """Undo :func:`misalign_slices`: shift back in plane, then interpolate between the heights at which slices were taken.

    In plane, whole voxels come back exactly, but for what left the field. Along Z, slices that were taken at the same height
    bring no more than one, and what lies between two heights is interpolated.

    Args:
        image: as in :func:`misalign_slices`.
        shift: the shift to undo.
        mode: as in :func:`misalign_slices`.

    Returns:
        tensor of the shape and dtype of ``image``.

    Raises:
        ValueError: as in :func:`misalign_slices`.
    """
    shift = _checked(image, shift, mode)
    wanted = torch.arange(image.shape[3], dtype=torch.float64)
    taken = (wanted - shift[:, 2]).clamp(0, image.shape[3] - 1)
    return _at_heights(_shift_in_plane(image, -shift[:, :2], mode), taken, wanted, mode)


def _checked(image: Tensor, shift: Tensor, mode: str) -> Tensor:
    """``shift`` in float64 on the CPU, or a ValueError."""
    if mode not in MODES:
        raise ValueError(f"mode must be 'bilinear' or 'nearest', not {mode!r}.")
    if shift.shape != (image.shape[3], 3):
        raise ValueError(f"shift must be ({image.shape[3]}, 3), x, y, z of each slice, not {tuple(shift.shape)}.")
    return shift.to("cpu", torch.float64)


def _at_heights(image: Tensor, stored: Tensor, wanted: Tensor, mode: str) -> Tensor:
    """Slices at the heights ``wanted`` from those at ``stored``, neither of them sorted; the outermost slices go on."""
    if torch.equal(stored, wanted):
        return image
    if mode == "nearest":
        return image[..., (wanted[:, None] - stored).abs().argmin(1).to(image.device)]
    heights, order = stored.sort()
    upper = torch.searchsorted(heights, wanted).clamp(1, len(heights) - 1) if len(heights) > 1 else wanted.long() * 0
    lower = (upper - 1).clamp_min(0)
    gap = (heights[upper] - heights[lower]).clamp_min(torch.finfo(torch.float64).tiny)
    part = ((wanted - heights[lower]) / gap).clamp(0, 1)
    weight = torch.zeros(len(heights), len(heights), dtype=torch.float64)
    row = torch.arange(len(heights))
    weight[order[lower], row] = 1 - part
    weight[order[upper], row] += part
    return image @ weight.to(image)


def _shift_in_plane(image: Tensor, shift: Tensor, mode: str) -> Tensor:
    """Every slice shifted by its ``(x, y)`` voxels, zero entering from outside."""
    out = torch.empty_like(image)
    for z, moves in enumerate(shift.tolist()):
        plane = image[..., z]
        for axis, move in enumerate(moves):
            if mode == "nearest":
                plane = _shift_whole(plane, round(move), axis)
            elif move:
                whole = int(move // 1)
                plane = torch.lerp(_shift_whole(plane, whole, axis), _shift_whole(plane, whole + 1, axis), move - whole)
        out[..., z] = plane
    return out


def _shift_whole(plane: Tensor, voxels: int, axis: int) -> Tensor:
    """``(C, X, Y)`` shifted by whole voxels: padded on one side, cropped on the other."""
    size = plane.shape[axis + 1]
    voxels = max(-size, min(voxels, size))
    return pad(plane, (0, 0) * (1 - axis) + (voxels, -voxels)) if voxels else plane
