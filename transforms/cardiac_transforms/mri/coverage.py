"""Partial Fourier acquisition and truncation (Gibbs) ringing."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from cardiac_transforms.image_transform import (
    ImageTransform,
    RandomImageTransform,
    check_axes,
    dictionary_form,
    draw_range,
)
from cardiac_transforms.mri.kernels.coverage import central_kspace, one_sided_kspace

__all__ = [
    "GibbsRinging",
    "GibbsRingingD",
    "GibbsRingingDict",
    "GibbsRingingd",
    "PartialFourier",
    "PartialFourierD",
    "PartialFourierDict",
    "PartialFourierd",
    "RandGibbsRinging",
    "RandGibbsRingingD",
    "RandGibbsRingingDict",
    "RandGibbsRingingd",
    "RandPartialFourier",
    "RandPartialFourierD",
    "RandPartialFourierDict",
    "RandPartialFourierd",
]


class PartialFourier(ImageTransform):
    """Partial Fourier acquisition: one side of k-space ends early and is zero-filled; the magnitude is returned.

    Edges across the phase-encode axis blur; near 0.5 half the contrast is lost too. The object is taken as a magnitude image
    of phase zero: negative values (PSIR) come back as magnitude, and the side that is missing makes no difference. A constant
    image stays as it is.

    Args:
        fraction: acquired share of the phase-encode lines, 0.5 to 1; 6/8 is usual, 1 leaves the image as it is.
        phase_axis: phase-encode axis, 0 (X) or 1 (Y).

    Reference:
        McGibney et al., Magn Reson Med 1993;30:51-59.
    """

    def __init__(self, fraction: float = 0.75, phase_axis: int = 1) -> None:
        super().__init__()
        if not 0.5 <= fraction <= 1:
            raise ValueError(f"fraction must be 0.5 to 1, got {fraction!r}.")
        (self.phase_axis,) = check_axes([phase_axis], "phase_axis")
        self.fraction = fraction

    def apply(self, image: Tensor, spacing: tuple[float, float, float] | None, **companions: Tensor) -> Tensor:
        """The magnitude image of the acquired lines."""
        return one_sided_kspace(image, self.fraction, self.phase_axis + 1)


class RandPartialFourier(RandomImageTransform):
    """:class:`PartialFourier` of a random fraction along a random axis.

    Args:
        prob: probability that the image is changed.
        fraction: range of the acquired share, within 0.5 to 1; a number f means (0.5, f).
        phase_axes: axes to choose the phase-encode axis from.
    """

    def __init__(
        self,
        prob: float = 0.1,
        fraction: float | Sequence[float] = (0.625, 0.875),
        phase_axes: Sequence[int] = (0, 1),
    ) -> None:
        super().__init__(prob)
        self.fraction = draw_range(fraction, "fraction", low=0.5, high=1)
        self.phase_axes = check_axes(phase_axes, "phase_axes")

    def draw(self, shape: tuple[int, int, int, int]) -> PartialFourier:
        """A fraction, uniform in the range, and an axis."""
        return PartialFourier(self.R.uniform(*self.fraction), int(self.R.choice(self.phase_axes)))


class GibbsRinging(ImageTransform):
    """Truncation ringing: only the central share of k-space is acquired along each axis; the magnitude is returned.

    The cut is symmetric about zero frequency, so nothing but the sharp truncation changes the image; the voxel grid stays
    (zero-filled k-space). Negative values (PSIR) come back as magnitude, and so do the undershoots beside dark edges. For low
    resolution without ringing see :class:`~cardiac_transforms.mri.resolution.InPlaneResolution`.

    Args:
        fraction: acquired share of the lines, above 0 to 1 (1 leaves the image as it is), or one share for each axis.
        axes: spatial axes to cut along: 0 (X), 1 (Y), and 2 (Z) for 3-D acquisitions.
    """

    def __init__(self, fraction: float | Sequence[float] = 0.5, axes: Sequence[int] = (0, 1)) -> None:
        super().__init__()
        self.axes = check_axes(axes, "axes", (0, 1, 2))
        self.fractions = tuple(fraction) if isinstance(fraction, Sequence) else (fraction,) * len(self.axes)
        if len(self.fractions) != len(self.axes) or not all(0 < f <= 1 for f in self.fractions):
            raise ValueError(f"fraction must be above 0 to 1, one or one for each of axes {axes!r}, got {fraction!r}.")

    def apply(self, image: Tensor, spacing: tuple[float, float, float] | None, **companions: Tensor) -> Tensor:
        """The magnitude image of the central lines; an axis that a 2-D image lacks is left out."""
        return central_kspace(image, self.fractions, [axis + 1 for axis in self.axes])


class RandGibbsRinging(RandomImageTransform):
    """:class:`GibbsRinging` of random fractions.

    Args:
        prob: probability that the image is changed.
        fraction: range of the acquired share, above 0 to 1; a number f means (0, f), which may leave only the mean.
        axes: spatial axes to cut along.
        one_axis: ``False``: every axis with a fraction of its own; ``True``: one axis chosen from ``axes``.
    """

    def __init__(
        self,
        prob: float = 0.1,
        fraction: float | Sequence[float] = (0.3, 0.7),
        axes: Sequence[int] = (0, 1),
        one_axis: bool = False,
    ) -> None:
        super().__init__(prob)
        self.fraction = draw_range(fraction, "fraction", low=0, high=1)
        self.axes = check_axes(axes, "axes", (0, 1, 2))
        self.one_axis = one_axis

    def draw(self, shape: tuple[int, int, int, int]) -> GibbsRinging:
        """The axes, and a fraction for each, uniform in the range."""
        axes = [int(self.R.choice(self.axes))] if self.one_axis else self.axes
        return GibbsRinging([max(f, 1e-6) for f in self.R.uniform(*self.fraction, size=len(axes))], axes)


PartialFourierd = PartialFourierD = PartialFourierDict = dictionary_form(PartialFourier)
RandPartialFourierd = RandPartialFourierD = RandPartialFourierDict = dictionary_form(RandPartialFourier)
GibbsRingingd = GibbsRingingD = GibbsRingingDict = dictionary_form(GibbsRinging)
RandGibbsRingingd = RandGibbsRingingD = RandGibbsRingingDict = dictionary_form(RandGibbsRinging)
