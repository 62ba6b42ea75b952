"""Segmented k-space acquisition of a moving object: line order, poses and the k-space that the shots compose.

A segmented sequence fills k-space in shots (one per heartbeat or inversion); the object may lie elsewhere in each. Every
function here is pure: tensors in, tensors out, no random numbers. Images are channel-first ``(C, X, Y, Z)`` with the slices
along Z; each slice is acquired on its own, so nothing is transformed along Z. Only the phase-encode axis matters for the
effect of motion between shots; the readout transform can be left out or added by the caller.

Convention: k-space lines run from the most negative to the most positive frequency. Line ``i`` of ``n`` has frequency
``i - n // 2`` cycles per field of view, so the k-space centre is line ``n // 2``.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

ORDERS = ("sequential", "interleaved", "centric", "segmented")
"""Orders in which the shots fill k-space, see :func:`shot_of_line`."""


def shot_of_line(lines: int, shots: int, order: str = "interleaved") -> Tensor:
    """Shot in which each k-space line is read.

    Args:
        lines: number of acquired lines.
        shots: number of shots, 1 to ``lines``.
        order: ``sequential`` (shot ``s`` reads a contiguous band: motion gives blur, and one shot holds the k-space centre),
            ``interleaved`` (shot ``s`` reads lines ``s, s + shots, ...``: motion gives ghosts at FOV / shots), ``centric``
            (rings from the k-space centre outwards: the first shot holds the centre) or ``segmented`` (the lines of
            ``interleaved``, each shot within one heartbeat).

    Returns:
        int64 tensor of shape ``(lines,)`` with values 0 to ``shots - 1``, each of them present.

    Raises:
        ValueError: for an unknown order or a number of shots outside 1 to ``lines``.

    Example:
        >>> shot_of_line(6, 2, "interleaved").tolist(), shot_of_line(6, 2, "sequential").tolist()
        ([0, 1, 0, 1, 0, 1], [0, 0, 0, 1, 1, 1])
        >>> shot_of_line(6, 2, "centric").tolist()
        [1, 1, 0, 0, 0, 1]
    """
    if not 1 <= shots <= lines:
        raise ValueError(f"shots must be 1 to the number of lines ({lines}), not {shots}.")
    line = torch.arange(lines)
    if order in ("interleaved", "segmented"):
        return line % shots
    if order == "sequential":
        return line * shots // lines
    if order == "centric":
        return _outwards(lines) * shots // lines
    raise ValueError(f"order must be one of {', '.join(ORDERS)}, not {order!r}.")


def _outwards(lines: int) -> Tensor:
    """Rank of each line when read from the k-space centre outwards, frequencies 0, -1, 1, -2, 2, ..."""
    frequency = torch.arange(lines) - lines // 2
    return 2 * frequency.abs() - (frequency < 0).long()


def time_of_line(lines: int, shots: int, order: str = "interleaved") -> Tensor:
    """When each k-space line is read, as a share of the whole acquisition.

    Shots follow one another; within a shot lines are read from negative to positive frequency, with ``centric`` from the
    centre outwards. Time runs evenly from line to line, but with ``segmented`` it stands still within a heartbeat: the lines
    of a shot are read within a fraction of the beat and share its time.

    Args:
        lines: number of acquired lines.
        shots: as for :func:`shot_of_line`, which also names the errors.
        order: as for :func:`shot_of_line`.

    Returns:
        float64 tensor ``(lines,)``, 0 (start) to 1 (end): 0 and 1 are the first and the last reading; 0 for a single one.

    Example:
        >>> time_of_line(5, 2, "interleaved").tolist(), time_of_line(5, 2, "segmented").tolist()
        ([0.0, 0.75, 0.25, 1.0, 0.5], [0.0, 1.0, 0.0, 1.0, 0.0])
        >>> time_of_line(5, 2, "centric").tolist()
        [0.75, 0.25, 0.0, 0.5, 1.0]
    """
    shot = shot_of_line(lines, shots, order)
    if order == "segmented":
        return shot.double() / max(shots - 1, 1)
    within = _outwards(lines) if order == "centric" else torch.arange(lines)
    rank = torch.argsort(torch.argsort(shot * lines + within))
    return rank.double() / max(lines - 1, 1)


def central_lines(lines: int, shots: int, centre: int | None = None) -> slice:
    """As many k-space lines as there are shots, about the k-space centre.

    They carry nearly all of the image's energy and so decide where the object appears. With sequential order they belong to
    one or two shots, with centric order to the first ones, and with interleaved order to every shot once.

    Args:
        lines: number of acquired lines.
        shots: number of shots, 1 to ``lines``.
        centre: line of zero frequency; ``None`` for ``lines // 2`` (no partial Fourier).
    """
    centre = lines // 2 if centre is None else centre
    first = min(max(centre - (shots - 1) // 2, 0), lines - shots)
    return slice(first, first + shots)


def centre_pose(poses: Tensor, shot: Tensor, centre: int | None = None) -> Tensor:
    """Pose in which the k-space centre is read: the mean over :func:`central_lines`.

    Subtracting it from the poses keeps the picture on the labels of the still object; with interleaved order the object
    appears in its mean pose.

    Args:
        poses: ``(shots, ...)``, any unit.
        shot: from :func:`shot_of_line`, ``(lines,)``.
        centre: line of zero frequency; ``None`` for ``lines // 2`` (no partial Fourier).

    Returns:
        tensor of shape ``poses.shape[1:]``.
    """
    return poses[shot[central_lines(shot.numel(), poses.shape[0], centre)]].mean(0)


def move_in_plane(images: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Scale about the image's centre and then shift, by cubic convolution; zero outside.

    Both axes are resampled in turn by a matrix of Keys' kernel (a = -1/2; IEEE Trans ASSP 1981;29:1153), which keeps
    whole-voxel shifts exact and linear ramps straight.

    Args:
        images: ``(N, C, X, Y)``, one pose each.
        shift: ``(N, 2)`` voxels along X and Y; positive moves the object to higher indices.
        scale: ``(N,)`` magnification of the object, 1 for none.

    Returns:
        tensor of the shape and dtype of ``images``.
    """

    def resample(size: int, move: Tensor) -> Tensor:
        """Matrices ``(N, 1, size, size)`` from the object's samples to the picture's."""
        index, centre = torch.arange(size, dtype=torch.float64), (size - 1) / 2
        source = (index - centre - move.double()[:, None]) / scale.double()[:, None] + centre
        gap = (source[:, :, None] - index).abs()
        near = (1.5 * gap - 2.5) * gap**2 + 1
        far = ((-0.5 * gap + 2.5) * gap - 4) * gap + 2
        weight = torch.where(gap < 1, near, torch.where(gap < 2, far, 0.0))
        return weight[:, None].to(images.dtype)

    return resample(images.shape[2], shift[:, 0]) @ images @ resample(images.shape[3], shift[:, 1]).mT


def compose_kspace(
    images: Tensor, shot: Tensor, axis: int = 2, size: int | None = None, start: int = 0, first_line: int | None = None
) -> Tensor:
    """Phase-encoded signal of an object that shows ``images[s]`` while shot ``s`` is read.

    Each shot's lines are computed by a partial discrete Fourier transform, so the cost does not grow with the number of
    shots. Orthonormal scaling over ``size`` samples.

    Args:
        images: ``(shots, C, X, Y, Z)``, the object during each shot; real or complex.
        shot: from :func:`shot_of_line`: the shot of each acquired line, ``(lines,)``.
        axis: phase-encode axis of one ``(C, X, Y, Z)`` image, 1 (X) or 2 (Y).
        size: samples of the full field of view along ``axis``; ``None``: as many as ``images`` has. The images may be a
            part of the field outside of which the object is zero.
        start: index in the full field of the images' first sample along ``axis``.
        first_line: frequency in cycles per field of view of the first acquired line; ``None`` for ``-(lines // 2)``.

    Returns:
        complex tensor ``(C, X, Y, Z)`` with ``lines`` entries along ``axis`` and the other axes as they were.

    Raises:
        ValueError: if ``axis`` is not 1 or 2, or ``shot`` names a shot that ``images`` lacks.

    Reference:
        the shot-wise rigid motion model of Shaw et al., MIDL 2019, with lines in the order in which a sequence reads them.
    """
    if axis not in (1, 2):
        raise ValueError(f"axis must be 1 or 2 (phase encoding in plane), not {axis}.")
    if int(shot.max()) >= images.shape[0]:
        raise ValueError(f"shot names shot {int(shot.max())}, but there are images of {images.shape[0]} shots.")
    count = images.shape[axis + 1]
    size = count if size is None else size
    frequency = torch.arange(shot.numel()) + (-(shot.numel() // 2) if first_line is None else first_line)
    position = torch.arange(count) + start
    turns = torch.outer(frequency, position) % size  # exact in integers; keeps the angle small
    angle = turns.double() * (-2 * math.pi / size)
    matrix = torch.polar(torch.full_like(angle, 1 / math.sqrt(size)), angle)
    real, imaginary = (part.to(images.real.dtype) for part in (matrix.real, matrix.imag))
    shape = list(images.shape[1:])
    shape[axis] = shot.numel()
    kspace = torch.empty(shape, dtype=torch.complex64 if real.dtype == torch.float32 else torch.complex128)
    lines_last, image_last = kspace.movedim(axis, -1), images.movedim(axis + 1, -1)
    for s in range(images.shape[0]):
        lines = torch.nonzero(shot == s)[:, 0]
        if images.is_complex():
            lines_last[..., lines] = image_last[s] @ torch.complex(real[lines], imaginary[lines]).T
        else:
            lines_last[..., lines] = torch.complex(image_last[s] @ real[lines].T, image_last[s] @ imaginary[lines].T)
    return kspace
