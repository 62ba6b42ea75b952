"""Low resolution on the same grid: thick slices, and large voxels in plane."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from cardiac_transforms.image_transform import (
    ImageTransform,
    RandomImageTransform,
    dictionary_form,
    draw_range,
    need_spacing,
)
from cardiac_transforms.mri.kernels.resolution import PROFILES, average_slices, large_voxels, thick_slices

__all__ = [
    "InPlaneResolution",
    "InPlaneResolutionD",
    "InPlaneResolutionDict",
    "InPlaneResolutiond",
    "RandInPlaneResolution",
    "RandInPlaneResolutionD",
    "RandInPlaneResolutionDict",
    "RandInPlaneResolutiond",
    "RandThickSlices",
    "RandThickSlicesD",
    "RandThickSlicesDict",
    "RandThickSlicesd",
    "ThickSlices",
    "ThickSlicesD",
    "ThickSlicesDict",
    "ThickSlicesd",
]


class ThickSlices(ImageTransform):
    """Through-plane low resolution: the stack as thick slices would show it, on the original grid.

    Every thick slice is the profile-weighted mean of the slices of the image, a gap is not seen at all, and linear
    interpolation between the thick slices leads back to the grid. The thick slices are centred on the stack. An image whose
    slices already lie ``thickness + gap`` apart or more, or that has one slice, stays as it is. Keeps the sign of negative
    values (PSIR).

    Args:
        thickness: of a slice in mm (full width at half maximum of its profile).
        gap: mm between neighbouring slices.
        profile: ``rectangular`` or ``gaussian``.
        shifts: displacement of each thick slice in plane, ``(x, y)`` in mm, e.g. from unequal breath-holds. Surplus ones are
            ignored, and as many as the image has slices are always enough. ``None``: no displacement.
        spacing: as in :class:`~cardiac_transforms.image_transform.ImageTransform`.
    """

    def __init__(
        self,
        thickness: float = 8.0,
        gap: float = 0.0,
        profile: str = "rectangular",
        shifts: Sequence[Sequence[float]] | None = None,
        spacing: Sequence[float] | None = None,
    ) -> None:
        super().__init__(spacing)
        if not (thickness > 0 and math.isfinite(thickness)):
            raise ValueError(f"thickness must be positive mm, got {thickness!r}.")
        if not (gap >= 0 and math.isfinite(gap)):
            raise ValueError(f"gap must not be negative, got {gap!r}.")
        if profile not in PROFILES:
            raise ValueError(f"profile must be one of {PROFILES}, got {profile!r}.")
        if shifts is not None and any(len(s) != 2 or not all(map(math.isfinite, s)) for s in shifts):
            raise ValueError(f"shifts must be (x, y) in mm for each thick slice, got {shifts!r}.")
        self.thickness, self.gap, self.profile, self.shifts = thickness, gap, profile, shifts

    def apply(self, image: Tensor, spacing: tuple[float, float, float] | None, **companions: Tensor) -> Tensor:
        """The stack of thick slices on the grid of ``image``.

        Raises:
            ValueError: the image brings no spacing, or there are fewer ``shifts`` than thick slices.
        """
        mm = need_spacing(spacing, type(self).__name__)
        if image.shape[3] == 1 or self.thickness + self.gap <= mm[2] * (1 + 1e-6):
            return image
        mean, back = thick_slices(image.shape[3], mm[2], self.thickness, self.gap, self.profile)
        if self.shifts is None:
            return average_slices(image, mean, back)
        if len(self.shifts) < len(mean):
            raise ValueError(
                f"shifts must have one (x, y) for each of {len(mean)} thick slices, got {len(self.shifts)}."
            )
        shift = torch.tensor(self.shifts[: len(mean)], dtype=torch.float64) / torch.tensor(mm[:2])
        return average_slices(image, mean, back, shift)


class RandThickSlices(RandomImageTransform):
    """:class:`ThickSlices` of random thickness, gap and misalignment.

    Args:
        prob: probability that the image is changed.
        thickness: range in mm; a number f means (0, f).
        gap: range in mm; a number f means (0, f).
        profile: as in :class:`ThickSlices`.
        misalignment: SD in mm of each thick slice's displacement along X and along Y (normal).
        spacing: as in :class:`ThickSlices`.
    """

    def __init__(
        self,
        prob: float = 0.1,
        thickness: float | Sequence[float] = (4.0, 10.0),
        gap: float | Sequence[float] = (0.0, 2.0),
        profile: str = "rectangular",
        misalignment: float = 0.0,
        spacing: Sequence[float] | None = None,
    ) -> None:
        super().__init__(prob, spacing)
        self.thickness = draw_range(thickness, "thickness", low=0)
        self.gap = draw_range(gap, "gap", low=0)
        self.profile = ThickSlices(profile=profile).profile
        if not (misalignment >= 0 and math.isfinite(misalignment)):
            raise ValueError(f"misalignment must not be negative, got {misalignment!r}.")
        self.misalignment = misalignment

    def draw(self, shape: tuple[int, int, int, int]) -> ThickSlices:
        """Thickness and gap, uniform in their ranges, and a displacement for each slice there can be."""
        thickness, gap = max(self.R.uniform(*self.thickness), 1e-6), self.R.uniform(*self.gap)
        shifts = self.R.normal(0, self.misalignment, size=(shape[3], 2)).tolist() if self.misalignment else None
        return ThickSlices(thickness, gap, self.profile, shifts, self.spacing)


class InPlaneResolution(ImageTransform):
    """In-plane low resolution: the image as acquired with larger voxels, zero-filled back onto its grid.

    k-space is cut at the acquired voxel size under a Hamming window, so edges blur (point spread function 1.8 acquired voxels
    wide at half maximum) and hardly ring; see :class:`~cardiac_transforms.mri.coverage.GibbsRinging` for the sharp cut. Each
    slice for itself; the magnitude is returned, so negative values (PSIR) come back as magnitude. An axis whose voxels are
    already that large stays as it is.

    Args:
        voxel_mm: acquired voxel size in mm along X and Y, or one number for both.
        spacing: as in :class:`~cardiac_transforms.image_transform.ImageTransform`.
    """

    def __init__(self, voxel_mm: float | Sequence[float] = 2.0, spacing: Sequence[float] | None = None) -> None:
        super().__init__(spacing)
        self.voxel_mm = tuple(voxel_mm) if isinstance(voxel_mm, Sequence) else (voxel_mm, voxel_mm)
        if len(self.voxel_mm) != 2 or not all(v > 0 and math.isfinite(v) for v in self.voxel_mm):
            raise ValueError(f"voxel_mm must be positive mm, one number or (x, y), got {voxel_mm!r}.")

    def apply(self, image: Tensor, spacing: tuple[float, float, float] | None, **companions: Tensor) -> Tensor:
        """The magnitude image of the acquired voxels."""
        mm = need_spacing(spacing, type(self).__name__)
        return large_voxels(image, [grid / acquired for grid, acquired in zip(mm[:2], self.voxel_mm, strict=True)])


class RandInPlaneResolution(RandomImageTransform):
    """:class:`InPlaneResolution` of random voxel sizes, one along X and one along Y.

    Args:
        prob: probability that the image is changed.
        voxel_mm: range of the acquired voxel size in mm; a number f means (0, f).
        spacing: as in :class:`InPlaneResolution`.
    """

    def __init__(
        self, prob: float = 0.1, voxel_mm: float | Sequence[float] = (1.5, 3.0), spacing: Sequence[float] | None = None
    ) -> None:
        super().__init__(prob, spacing)
        self.voxel_mm = draw_range(voxel_mm, "voxel_mm", low=0)

    def draw(self, shape: tuple[int, int, int, int]) -> InPlaneResolution:
        """A voxel size for each axis, uniform in the range."""
        return InPlaneResolution([max(v, 1e-6) for v in self.R.uniform(*self.voxel_mm, size=2)], self.spacing)


ThickSlicesd = ThickSlicesD = ThickSlicesDict = dictionary_form(ThickSlices)
RandThickSlicesd = RandThickSlicesD = RandThickSlicesDict = dictionary_form(RandThickSlices)
InPlaneResolutiond = InPlaneResolutionD = InPlaneResolutionDict = dictionary_form(InPlaneResolution)
RandInPlaneResolutiond = RandInPlaneResolutionD = RandInPlaneResolutionDict = dictionary_form(RandInPlaneResolution)
