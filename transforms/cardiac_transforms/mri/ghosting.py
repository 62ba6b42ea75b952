"""Ghosts by periodic displacement along the phase-encode axis."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from cardiac_transforms.image_transform import (
    RandomImageTransform,
    check_axes,
    dictionary_form,
    draw_range,
)
from cardiac_transforms.mri.kernels.courses import periodic
from cardiac_transforms.mri.line_motion import LineMotion

__all__ = [
    "Ghosting",
    "GhostingD",
    "GhostingDict",
    "Ghostingd",
    "RandGhosting",
    "RandGhostingD",
    "RandGhostingDict",
    "RandGhostingd",
]


class Ghosting(LineMotion):
    """Ghosts of an object that oscillates along the phase-encode axis while k-space is read.

    Line k, counted from the k-space centre, sees the object displaced by ``amplitude_mm * sin(2 pi (k / period + phase))``.
    The image repeats itself, ever fainter, at multiples of the field of view over ``period``: as many copies fit into the field
    as one period has lines. Edges make ghosts, a constant image none; the mean is kept, and the energy but for the Nyquist
    line. Every slice alike. The object is taken as a magnitude image of phase zero: negative values (PSIR) come back as
    magnitude.

    Args:
        amplitude_mm: amplitude of the oscillation, 0 or more.
        period: k-space lines per cycle, 2 or more. With shots in interleaved order, motion that repeats with each pass
            over them has the number of shots as its period.
        phase: share of a cycle at the k-space centre.
        phase_axis: phase-encode axis, 0 (X) or 1 (Y).
        spacing: mm along each axis, for images without affine.

    Reference:
        Wood, Henkelman, Med Phys 1985;12:143: ghosts from periodic motion.
    """

    def __init__(
        self,
        amplitude_mm: float,
        period: float = 8,
        phase: float = 0.0,
        phase_axis: int = 1,
        spacing: Sequence[float] | None = None,
    ) -> None:
        super().__init__((1.0, 0.0) if phase_axis == 0 else (0.0, 1.0), phase_axis, spacing)
        if not 0 <= amplitude_mm < math.inf:
            raise ValueError(f"amplitude_mm must be 0 or more, got {amplitude_mm!r}.")
        if not 2 <= period < math.inf:
            raise ValueError(f"period must be at least 2 lines, got {period!r}.")
        self.amplitude_mm, self.period, self.phase = float(amplitude_mm), float(period), float(phase)

    def displacement(self, lines: int) -> Tensor:
        """The oscillation, mm."""
        return self.amplitude_mm * periodic(lines, self.period, self.phase)


class RandGhosting(RandomImageTransform):
    """:class:`Ghosting` of random size, period and phase.

    Args:
        prob: probability that the image is changed.
        rms_mm: range of the root mean square displacement over the k-space lines, mm; a number f means (0, f).
        period: range of the lines per cycle, 2 or more; a number f means (2, f).
        phase_axes: axes to choose the phase-encode axis from.
        spacing: mm along each axis, for images without affine.
    """

    recorded = Ghosting.recorded

    def __init__(
        self,
        prob: float = 0.1,
        rms_mm: float | Sequence[float] = (0.5, 4.0),
        period: float | Sequence[float] = (3.0, 12.0),
        phase_axes: Sequence[int] = (0, 1),
        spacing: Sequence[float] | None = None,
    ) -> None:
        super().__init__(prob, spacing)
        self.rms_mm = draw_range(rms_mm, "rms_mm", low=0)
        self.period = draw_range(period, "period", low=2)
        self.phase_axes = check_axes(phase_axes, "phase_axes")

    def draw(self, shape: tuple[int, int, int, int]) -> Ghosting:
        """Size, period, phase and axis, each uniform; the amplitude follows from them."""
        rms = self.R.uniform(*self.rms_mm)
        axis = int(self.R.choice(self.phase_axes))
        period, phase = self.R.uniform(*self.period), self.R.uniform()
        unit = Ghosting(1.0, period, phase, axis).rms(shape[axis + 1])
        amplitude = rms / unit if unit > 1e-6 else 0.0  # lines that all lie on nodes are not displaced
        return Ghosting(amplitude, period, phase, axis, self.spacing)


Ghostingd = GhostingD = GhostingDict = dictionary_form(Ghosting)
RandGhostingd = RandGhostingD = RandGhostingDict = dictionary_form(RandGhosting)
