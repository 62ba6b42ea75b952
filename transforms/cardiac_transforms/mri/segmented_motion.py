"""The patient moves between the shots of a segmented acquisition: blur and ghosts along phase encoding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from cardiac_transforms.image_transform import (
    ImageTransform,
    RandomImageTransform,
    check_axes,
    check_choices,
    dictionary_form,
    draw_range,
    need_spacing,
)
from cardiac_transforms.mri.kernels.rigid import rigid_motion
from cardiac_transforms.mri.kernels.shots import ORDERS, central_lines, shot_of_line, time_of_line

__all__ = [
    "RandSegmentedMotion",
    "RandSegmentedMotionD",
    "RandSegmentedMotionDict",
    "RandSegmentedMotiond",
    "SegmentedMotion",
    "SegmentedMotionD",
    "SegmentedMotionDict",
    "SegmentedMotiond",
]


class SegmentedMotion(ImageTransform):
    """Rigid motion in the plane between the shots of a segmented acquisition.

    K-space is filled in S shots (heartbeats), each of which sees the object in a pose of its own. Slices are acquired one by
    one; nothing is mixed along Z. The result is a magnitude image; the input is taken as an object of phase zero, so negative
    values (PSIR) come back positive. What moves out of the field enters on the other side.

    Args:
        poses: mm along X, mm along Y and degrees (X towards Y) of each shot, ``(S, 3)``: all slices move alike; or
            ``(Z, S, 3)``: every slice is a breath-hold of its own.
        phase_axis: spatial axis of phase encoding, 0 (X) or 1 (Y).
        order: how the shots fill k-space: ``sequential``, ``interleaved``, ``centric`` or ``segmented`` (lines as
            ``interleaved``, all lines of a shot at the time of its heartbeat).
        affected: share of the acquisition time, from and to, in which the patient moves; before and after the pose is rest,
            all zero.
        anchor: subtract the pose in which the centre of k-space is read, so that the object appears in its place and labels
            still fit. ``False``: the poses as they are given.
        centre: of the rotation, voxel indices along X and Y. ``None``: the centroid of ``mask`` > 0 over all slices where a
            mask is given and not empty, else the image's centre.
        spacing: voxel size in mm, for images that bring no affine.

    Companions:
        mask: e.g. the heart, gives the centre of rotation. In the dictionary form its key is ``mask_key``.

    Recorded: ``rms_mm`` and ``rms_degrees``, root mean square of displacement and rotation over all lines, as applied.

    Raises:
        ValueError: for an argument out of range, more shots than lines, poses for another number of slices, or no spacing.
    """

    companions = ("mask",)
    recorded: ClassVar[tuple[str, ...]] = ("rms_mm", "rms_degrees")

    def __init__(
        self,
        poses: ArrayLike | Tensor,
        phase_axis: int = 1,
        order: str = "interleaved",
        affected: Sequence[float] = (0.0, 1.0),
        anchor: bool = True,
        centre: Sequence[float] | None = None,
        spacing: Sequence[float] | None = None,
    ) -> None:
        super().__init__(spacing)
        self.poses = np.array(poses, dtype=np.float64)
        if self.poses.ndim not in (2, 3) or self.poses.shape[-1] != 3 or 0 in self.poses.shape:
            raise ValueError(f"poses must be (S, 3) or (Z, S, 3), got shape {self.poses.shape}.")
        if not np.isfinite(self.poses).all():
            raise ValueError("poses must be finite.")
        if centre is not None and (len(centre) != 2 or not all(math.isfinite(c) for c in centre)):
            raise ValueError(f"centre must be two voxel indices (X, Y), got {centre!r}.")
        (self.phase_axis,) = check_axes([phase_axis], "phase_axis")
        (self.order,) = check_choices([order], "order", ORDERS)
        self.affected = draw_range(affected, "affected", 0, 1)
        self.anchor = bool(anchor)
        self.centre = centre
        self._severity = dict.fromkeys(self.recorded, 0.0)

    def apply(self, image: Tensor, spacing: tuple[float, float, float] | None, **companions: Tensor) -> Tensor:
        """See :class:`ImageTransform`."""
        sx, sy, _ = need_spacing(spacing, type(self).__name__)
        if self.poses.ndim == 3 and len(self.poses) != image.shape[3]:
            raise ValueError(f"poses are for {len(self.poses)} slices, the image has {image.shape[3]}.")
        lines = image.shape[self.phase_axis + 1]
        if self.poses.shape[-2] > lines:
            raise ValueError(f"poses has {self.poses.shape[-2]} shots, more than the {lines} phase-encode lines.")
        poses = poses_of_lines(self.poses, lines, self.order, self.affected, self.anchor)
        self._severity = dict(zip(self.recorded, _rms(poses), strict=True))
        shift = torch.from_numpy(poses[..., :2] / (sx, sy))
        angle = torch.from_numpy(np.deg2rad(poses[..., 2]))
        centre, line = self._centre(image, companions.get("mask")), torch.arange(lines)
        if self.poses.ndim == 2:
            return rigid_motion(image, shift, angle, line, self.phase_axis + 1, (sx, sy), centre)
        out = torch.empty_like(image)
        for z in range(image.shape[3]):
            one = slice(z, z + 1)
            out[..., one] = rigid_motion(
                image[..., one], shift[z], angle[z], line, self.phase_axis + 1, (sx, sy), centre
            )
        return out

    def severity(self) -> dict[str, float]:
        """Of the last image."""
        return self._severity

    def _centre(self, image: Tensor, mask: Tensor | None) -> tuple[float, float]:
        if self.centre is not None:
            return float(self.centre[0]), float(self.centre[1])
        if mask is not None and (mask > 0).any():
            x, y = torch.nonzero((mask > 0).any(0))[:, :2].double().mean(0).tolist()
            return x, y
        return (image.shape[1] - 1) / 2, (image.shape[2] - 1) / 2


class RandSegmentedMotion(RandomImageTransform):
    """Random :class:`SegmentedMotion`: the patient drifts, wanders and jumps.

    The course of the poses over the shots is drift + random walk + one sudden jump, in random shares and directions. It is
    scaled so that displacement and rotation, root mean square over the lines as applied, are what was drawn.

    Args:
        prob: probability that the image is changed.
        rms_mm: range of the displacement in mm; a number f means (0, f).
        rms_degrees: range of the rotation; a number f means (0, f).
        shots: range of the number of shots, both ends included; at most one for each line is used. A single shot, anchored,
            shows no motion.
        phase_axes: spatial axes of which one is drawn for phase encoding, 0 (X) or 1 (Y).
        orders: of which one is drawn, see :class:`SegmentedMotion`.
        affected: range of the share of the acquisition time in which the patient moves; when it begins is drawn too.
        per_slice: every slice is a breath-hold of its own, with a course of its own; severity is meant over all slices.
        anchor: as in :class:`SegmentedMotion`.
        spacing: voxel size in mm, for images that bring no affine.

    Companions and records are those of :class:`SegmentedMotion`.
    """

    companions = SegmentedMotion.companions
    recorded = SegmentedMotion.recorded

    def __init__(
        self,
        prob: float = 0.1,
        rms_mm: float | Sequence[float] = (0.5, 4.0),
        rms_degrees: float | Sequence[float] = (0.0, 2.0),
        shots: Sequence[int] = (8, 16),
        phase_axes: Sequence[int] = (0, 1),
        orders: Sequence[str] = ORDERS,
        affected: float | Sequence[float] = (0.5, 1.0),
        per_slice: bool = False,
        anchor: bool = True,
        spacing: Sequence[float] | None = None,
    ) -> None:
        super().__init__(prob, spacing)
        self.rms_mm = draw_range(rms_mm, "rms_mm", 0)
        self.rms_degrees = draw_range(rms_degrees, "rms_degrees", 0)
        low, high = draw_range(shots, "shots", 1)
        if low % 1 or high % 1:
            raise ValueError(f"shots must be whole numbers, got {shots!r}.")
        self.shots = int(low), int(high)
        self.phase_axes = check_axes(phase_axes, "phase_axes")
        self.orders = check_choices(orders, "orders", ORDERS)
        self.affected = draw_range(affected, "affected", 0, 1)
        self.per_slice = bool(per_slice)
        self.anchor = bool(anchor)

    def draw(self, shape: tuple[int, int, int, int]) -> SegmentedMotion:
        """See :class:`RandomImageTransform`."""
        axis = self.phase_axes[self.R.randint(len(self.phase_axes))]
        order = self.orders[self.R.randint(len(self.orders))]
        lines = shape[axis + 1]
        shots = min(self.R.randint(self.shots[0], self.shots[1] + 1), lines)
        share = self.R.uniform(*self.affected)
        start = self.R.uniform(0, 1 - share)
        poses = self._course(shape[3] if self.per_slice else 1, shots)
        wanted = self.R.uniform(*self.rms_mm), self.R.uniform(*self.rms_degrees)
        affected = (start, min(start + share, 1.0))
        realised = _rms(poses_of_lines(poses, lines, order, affected, self.anchor))
        scale = [w / r if r > 1e-9 else 0.0 for w, r in zip(wanted, realised, strict=True)]
        poses *= np.array([scale[0], scale[0], scale[1]])
        return SegmentedMotion(
            poses if self.per_slice else poses[0], axis, order, affected, self.anchor, spacing=self.spacing
        )

    def _course(self, slices: int, shots: int) -> np.ndarray:
        """Poses ``(slices, shots, 3)`` of no particular size."""
        drift = np.linspace(0, 1, shots)[:, None] * self.R.normal(size=(slices, 1, 3))
        walk = np.cumsum(self.R.normal(size=(slices, shots, 3)), axis=1) / math.sqrt(shots)
        jump = np.arange(shots)[:, None] >= self.R.uniform(0, shots, size=(slices, 1, 1))
        weight = self.R.uniform(size=(3, slices, 1, 1))
        return weight[0] * drift + weight[1] * walk + weight[2] * jump * self.R.normal(size=(slices, 1, 3))


def poses_of_lines(
    poses: np.ndarray, lines: int, order: str, affected: tuple[float, float], anchor: bool
) -> np.ndarray:
    """Pose in which each k-space line is read, ``(..., lines, 3)``, from those of the shots, ``(..., S, 3)``.

    Arguments as in :class:`SegmentedMotion`.
    """
    shots = poses.shape[-2]
    time = time_of_line(lines, shots, order).numpy()
    moving = (affected[0] <= time) & (time <= affected[1])
    line_poses = poses[..., shot_of_line(lines, shots, order).numpy(), :] * moving[:, None]
    if anchor:
        line_poses = line_poses - line_poses[..., central_lines(lines, shots), :].mean(-2, keepdims=True)
    return line_poses


def _rms(poses: np.ndarray) -> tuple[float, float]:
    """Root mean square of displacement and rotation."""
    square = np.square(poses).reshape(-1, 3).mean(0)
    return math.sqrt(square[0] + square[1]), math.sqrt(square[2])


SegmentedMotiond = SegmentedMotionD = SegmentedMotionDict = dictionary_form(SegmentedMotion)
RandSegmentedMotiond = RandSegmentedMotionD = RandSegmentedMotionDict = dictionary_form(RandSegmentedMotion)
