"""Uneven brightness: zero-mean bias field and surface coils."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from cardiac_transforms.image_transform import (
    ImageTransform,
    RandomImageTransform,
    dictionary_form,
    draw_range,
    need_spacing,
)
from cardiac_transforms.mri.kernels.shading import coil_shading, polynomial_shading

__all__ = [
    "RandSurfaceCoilShading",
    "RandSurfaceCoilShadingD",
    "RandSurfaceCoilShadingDict",
    "RandSurfaceCoilShadingd",
    "RandZeroMeanBiasField",
    "RandZeroMeanBiasFieldD",
    "RandZeroMeanBiasFieldDict",
    "RandZeroMeanBiasFieldd",
    "SurfaceCoilShading",
    "SurfaceCoilShadingD",
    "SurfaceCoilShadingDict",
    "SurfaceCoilShadingd",
    "ZeroMeanBiasField",
    "ZeroMeanBiasFieldD",
    "ZeroMeanBiasFieldDict",
    "ZeroMeanBiasFieldd",
]


class ZeroMeanBiasField(ImageTransform):
    """Multiplicative bias field: the exponential of a polynomial whose mean over the volume is zero.

    The gain is ``exp(sum c_ijk P_i(x) P_j(y) P_k(z))`` with Legendre polynomials that are orthonormal on the voxels, so the
    log of the gain has mean 0 and SD ``sqrt(sum c^2)`` exactly: the image is neither brightened nor darkened on average. Only
    the voxel grid counts, not its mm; every channel gets the same field. Keeps the sign of negative values (PSIR). Noise that
    is already in the image is amplified with it, so put :class:`~cardiac_transforms.mri.RandMagnitudeNoise` after this.

    Args:
        coefficients: nested ``[i][j][k]``, or ``[i][j]`` for a field that is the same in all slices, by order along X, Y and Z.
            The constant one, ``[0][0][0]``, must be 0. Orders that a short axis does not have (all but 0 on a single slice)
            are left out.

    Reference:
        Van Leemput et al., IEEE Trans Med Imaging 1999;18:885-896.
    """

    def __init__(self, coefficients: Sequence = ((0.0, 0.1), (0.2, 0.0))) -> None:
        super().__init__()
        values = np.asarray(coefficients, dtype=float)
        self.coefficients = values[..., None] if values.ndim == 2 else values
        if self.coefficients.ndim != 3 or not np.isfinite(values).all() or self.coefficients.flat[0] != 0:
            raise ValueError(
                f"coefficients must be [i][j][k] or [i][j] with a constant term of 0, got {coefficients!r}."
            )

    def apply(self, image: Tensor, spacing: tuple[float, float, float] | None, **companions: Tensor) -> Tensor:
        """Image times gain."""
        return polynomial_shading(image, torch.from_numpy(self.coefficients))


class RandZeroMeanBiasField(RandomImageTransform):
    """:class:`ZeroMeanBiasField` of random coefficients: normal, with an SD of 1 / total order, scaled to ``strength``.

    Args:
        prob: probability that the image is changed.
        strength: range of the SD of the log of the gain: 0.2 is about 20 % of brightness. A number f means (0, f).
        degree: highest total order i + j + k, 1 or more, in 2-D and 3-D alike.
    """

    def __init__(self, prob: float = 0.1, strength: float | Sequence[float] = (0.1, 0.4), degree: int = 3) -> None:
        super().__init__(prob)
        self.strength = draw_range(strength, "strength", low=0)
        if degree < 1 or degree != int(degree):
            raise ValueError(f"degree must be a whole number of at least 1, got {degree!r}.")
        self.degree = int(degree)

    def draw(self, shape: tuple[int, int, int, int]) -> ZeroMeanBiasField:
        """Coefficients of the orders that the grid has."""
        orders = np.indices([min(self.degree + 1, size) for size in shape[1:]])
        total = orders.sum(0)
        drawn = self.R.normal(size=total.shape) / np.maximum(total, 1) * ((total > 0) & (total <= self.degree))
        norm = np.linalg.norm(drawn) or 1.0  # 0 for a single voxel
        return ZeroMeanBiasField(drawn * (self.R.uniform(*self.strength) / norm))


class SurfaceCoilShading(ImageTransform):
    """Brightness that falls off from surface coils, as in images without sensitivity correction.

    A coil's sensitivity is ``(1 + d^2 / R^2)^(-3/2)``, the on-axis field of a circular loop, with ``d`` the distance in mm from
    its centre; several coils combine by root sum of squares. The gain has mean 1 over the image. Every channel gets the same
    gain; keeps the sign of negative values (PSIR). Noise that is already in the image is amplified with it, so put
    :class:`~cardiac_transforms.mri.RandMagnitudeNoise` after this.

    Args:
        positions: ``(x, y)`` or ``(x, y, z)`` of each coil's centre as a share of the field of view along that axis, counted
            from the image's centre: 0.5 is the edge, more lies outside; z is 0 (mid-stack) where not given.
        radius: R in mm.
        spacing: as in :class:`~cardiac_transforms.image_transform.ImageTransform`.

    Reference:
        Hayes and Axel, Med Phys 1985;12:604-607; Roemer et al., Magn Reson Med 1990;16:192-225.
    """

    def __init__(
        self,
        positions: Sequence[Sequence[float]] = ((0.0, 0.6),),
        radius: float = 150.0,
        spacing: Sequence[float] | None = None,
    ) -> None:
        super().__init__(spacing)
        given = np.asarray(positions, dtype=float)
        if given.ndim != 2 or given.shape[1] not in (2, 3) or len(given) == 0 or not np.isfinite(given).all():
            raise ValueError(f"positions must be (x, y) or (x, y, z) of at least one coil, got {positions!r}.")
        if not (radius > 0 and math.isfinite(radius)):
            raise ValueError(f"radius must be positive mm, got {radius!r}.")
        self.positions, self.radius = np.pad(given, ((0, 0), (0, 3 - given.shape[1]))), radius

    def apply(self, image: Tensor, spacing: tuple[float, float, float] | None, **companions: Tensor) -> Tensor:
        """Image times gain."""
        mm = need_spacing(spacing, type(self).__name__)
        field_of_view = np.multiply(image.shape[1:], mm)
        return coil_shading(image, torch.from_numpy(self.positions * field_of_view), self.radius, mm)


class RandSurfaceCoilShading(RandomImageTransform):
    """:class:`SurfaceCoilShading` of random coils around the image.

    Args:
        prob: probability that the image is changed.
        radius: range in mm; small coils fall off faster. A number f means (1, f).
        count: range of the number of coils; a number n means (1, n).
        distance: range of the coils' distance from the centre, as a share of the field of view; a number f means (0, f).
        spacing: as in :class:`SurfaceCoilShading`.
    """

    def __init__(
        self,
        prob: float = 0.1,
        radius: float | Sequence[float] = (100.0, 300.0),
        count: int | Sequence[int] = (1, 3),
        distance: float | Sequence[float] = (0.5, 0.8),
        spacing: Sequence[float] | None = None,
    ) -> None:
        super().__init__(prob, spacing)
        self.radius = draw_range(radius, "radius", low=1)
        self.count = draw_range(count, "count", low=1)
        self.distance = draw_range(distance, "distance", low=0)

    def draw(self, shape: tuple[int, int, int, int]) -> SurfaceCoilShading:
        """Number, directions in plane, distances, places along Z within the stack, and the common radius."""
        count = int(self.R.randint(int(self.count[0]), int(self.count[1]) + 1))
        direction = self.R.uniform(0, 2 * math.pi, size=count)
        distance = self.R.uniform(*self.distance, size=count)
        along_z = self.R.uniform(-0.5, 0.5, size=count)
        positions = np.stack([distance * np.cos(direction), distance * np.sin(direction), along_z], axis=1)
        return SurfaceCoilShading(positions.tolist(), self.R.uniform(*self.radius), self.spacing)


ZeroMeanBiasFieldd = ZeroMeanBiasFieldD = ZeroMeanBiasFieldDict = dictionary_form(ZeroMeanBiasField)
RandZeroMeanBiasFieldd = RandZeroMeanBiasFieldD = RandZeroMeanBiasFieldDict = dictionary_form(RandZeroMeanBiasField)
SurfaceCoilShadingd = SurfaceCoilShadingD = SurfaceCoilShadingDict = dictionary_form(SurfaceCoilShading)
RandSurfaceCoilShadingd = RandSurfaceCoilShadingD = RandSurfaceCoilShadingDict = dictionary_form(RandSurfaceCoilShading)
