"""Breathing while k-space is read: drift in a breath-hold, free breathing, a breath-hold that fails."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from cardiac_transforms.image_transform import (
    RandomImageTransform,
    check_axes,
    check_choices,
    dictionary_form,
    draw_range,
)
from cardiac_transforms.mri.kernels.courses import breath_hold_drift, breathing, failed_breath_hold
from cardiac_transforms.mri.kernels.shots import ORDERS, central_lines, time_of_line
from cardiac_transforms.mri.line_motion import LineMotion

__all__ = [
    "BreathingMotion",
    "BreathingMotionD",
    "BreathingMotionDict",
    "BreathingMotiond",
    "RandBreathingMotion",
    "RandBreathingMotionD",
    "RandBreathingMotionDict",
    "RandBreathingMotiond",
]

KINDS = ("drift", "breathing", "failed")


class BreathingMotion(LineMotion):
    """Displacement by breathing: every k-space line sees the heart where it is at the time of that line.

    The heart is shifted in plane as a whole, every slice alike; what a short-axis plane sees of feet-head motion is a part of
    it. Interpolation is exact (Fourier); what leaves the field enters on the other side. The object is taken as a magnitude
    image of phase zero: negative values (PSIR) come back as magnitude.

    Args:
        course: displacement in mm at equally spaced times from the beginning to the end of the acquisition, linear in
            between; see :mod:`~cardiac_transforms.mri.kernels.courses` for drift and breathing curves. At least one value.
        direction: in-plane direction (X, Y) of positive displacement; its length does not matter.
        phase_axis: phase-encode axis, 0 (X) or 1 (Y).
        order: ``sequential``, ``interleaved``, ``centric`` or ``segmented`` (lines of a shot share the time of a heartbeat),
            see :func:`~cardiac_transforms.mri.kernels.shots.time_of_line`.
        shots: number of shots that share the lines.
        anchor: whether displacement counts from where the heart is while the centre of k-space is read (as many lines as there
            are shots), so that labels still fit.
        spacing: mm along each axis, for images without affine.
    """

    def __init__(
        self,
        course: Sequence[float] | np.ndarray,
        direction: Sequence[float] = (0.0, 1.0),
        phase_axis: int = 1,
        order: str = "segmented",
        shots: int = 8,
        anchor: bool = True,
        spacing: Sequence[float] | None = None,
    ) -> None:
        super().__init__(direction, phase_axis, spacing)
        self.course = np.asarray(course, dtype=float)
        if self.course.ndim != 1 or not len(self.course) or not np.isfinite(self.course).all():
            raise ValueError(f"course must be displacements in mm at one or more times, got {course!r}.")
        (self.order,) = check_choices([order], "order", ORDERS)
        if shots < 1:
            raise ValueError(f"shots must be at least 1, got {shots!r}.")
        self.shots, self.anchor = int(shots), anchor

    def displacement(self, lines: int) -> Tensor:
        """Displacement in mm while each line is read, less that of the k-space centre if ``anchor``."""
        time = time_of_line(lines, self.shots, self.order).numpy()
        mm = torch.from_numpy(np.interp(time, np.linspace(0, 1, len(self.course)), self.course))
        if self.anchor:
            mm = mm - mm[central_lines(lines, self.shots)].mean()
        return mm


class RandBreathingMotion(RandomImageTransform):
    """:class:`BreathingMotion` of random size, course, direction and order.

    Args:
        prob: probability that the image is changed.
        rms_mm: range of the root mean square displacement over the k-space lines, mm; a number f means (0, f).
        kinds: courses to choose from: ``drift`` (in a breath-hold), ``breathing`` (1.5 to 5 breaths) and ``failed`` (a
            breath-hold that ends after 20 to 80 % of the acquisition).
        direction: in-plane direction (X, Y); ``None``: any, each as likely.
        phase_axes: axes to choose the phase-encode axis from.
        orders: orders of lines to choose from.
        shots: range of the number of shots; a number n means (1, n). Never more than there are lines.
        anchor: as in :class:`BreathingMotion`.
        spacing: mm along each axis, for images without affine.
    """

    recorded = BreathingMotion.recorded

    def __init__(
        self,
        prob: float = 0.1,
        rms_mm: float | Sequence[float] = (0.5, 4.0),
        kinds: Sequence[str] = KINDS,
        direction: Sequence[float] | None = None,
        phase_axes: Sequence[int] = (0, 1),
        orders: Sequence[str] = ("sequential", "interleaved", "segmented"),
        shots: int | Sequence[int] = (5, 16),
        anchor: bool = True,
        spacing: Sequence[float] | None = None,
    ) -> None:
        super().__init__(prob, spacing)
        self.rms_mm = draw_range(rms_mm, "rms_mm", low=0)
        self.phase_axes = check_axes(phase_axes, "phase_axes")
        self.shots = draw_range(shots, "shots", low=1)
        self.kinds, self.orders, self.direction, self.anchor = (
            check_choices(kinds, "kinds", KINDS),
            check_choices(orders, "orders", ORDERS),
            direction,
            anchor,
        )

    def draw(self, shape: tuple[int, int, int, int]) -> BreathingMotion:
        """Size, axis, order, shots and direction; then the course, scaled to the size."""
        rms, angle = self.R.uniform(*self.rms_mm), self.R.uniform(0, 2 * math.pi)
        axis = int(self.R.choice(self.phase_axes))
        shots = min(int(self.R.randint(int(self.shots[0]), int(self.shots[1]) + 1)), shape[axis + 1])
        order = str(self.R.choice(self.orders))
        direction = (math.cos(angle), math.sin(angle)) if self.direction is None else self.direction
        course = self._course()
        unit = BreathingMotion(course, direction, axis, order, shots, self.anchor).rms(shape[axis + 1])
        scale = rms / unit if unit > 1e-6 else 0.0  # one line, or one shot, does not move against itself
        return BreathingMotion(scale * course, direction, axis, order, shots, self.anchor, self.spacing)

    def _course(self) -> np.ndarray:
        """A course of one of ``kinds``, of any size, at 128 times."""
        time, kind = torch.linspace(0, 1, 128, dtype=torch.float64), str(self.R.choice(self.kinds))
        period, exponent, phase = 1 / self.R.uniform(1.5, 5), int(self.R.randint(1, 4)), self.R.uniform()
        if kind == "drift":
            mm = breath_hold_drift(time, 1.0, self.R.uniform(0.3, 3))
        elif kind == "breathing":
            mm = breathing(time, 1.0, period, exponent, phase)
        else:
            mm = failed_breath_hold(time, self.R.uniform(0.2, 0.8), 1.0, period, exponent)
        return mm.numpy()


BreathingMotiond = BreathingMotionD = BreathingMotionDict = dictionary_form(BreathingMotion)
RandBreathingMotiond = RandBreathingMotionD = RandBreathingMotionDict = dictionary_form(RandBreathingMotion)
