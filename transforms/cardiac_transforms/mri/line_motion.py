"""What breathing and ghosting share: an object that moves along one in-plane direction from k-space line to line."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from cardiac_transforms.image_transform import ImageTransform, check_axes, need_spacing
from cardiac_transforms.mri.kernels.translation import translate_lines


class LineMotion(ImageTransform):
    """An object that lies elsewhere along one in-plane direction while each k-space line is read; every slice alike.

    The result is a magnitude image: the object is taken as one of phase zero, and negative values (PSIR) come back positive.

    Args:
        direction: in-plane direction (X, Y) of positive displacement; its length does not matter.
        phase_axis: phase-encode axis, 0 (X) or 1 (Y).
        spacing: mm along each axis, for images without affine.
    """

    recorded = ("rms_mm",)

    def __init__(self, direction: Sequence[float], phase_axis: int, spacing: Sequence[float] | None) -> None:
        super().__init__(spacing)
        if len(direction) != 2 or not 0 < math.hypot(*direction) < math.inf:
            raise ValueError(f"direction must be an in-plane vector (x, y), not zero, got {direction!r}.")
        self.direction = tuple(float(part) / math.hypot(*direction) for part in direction)
        (self.phase_axis,) = check_axes([phase_axis], "phase_axis")
        self._rms_mm = 0.0

    @abstractmethod
    def displacement(self, lines: int) -> Tensor:
        """Displacement in mm while each of ``lines`` k-space lines is read, from the most negative frequency: float64."""

    def rms(self, lines: int) -> float:
        """Root mean square of :meth:`displacement`, mm."""
        return float(self.displacement(lines).square().mean().sqrt())

    def apply(self, image: Tensor, spacing: tuple[float, float, float] | None, **companions: Tensor) -> Tensor:
        """The image of the moving object."""
        mm = torch.tensor(need_spacing(spacing, type(self).__name__)[:2], dtype=torch.float64)
        lines = image.shape[self.phase_axis + 1]
        self._rms_mm = self.rms(lines)
        shift = self.displacement(lines)[:, None] * torch.tensor(self.direction, dtype=torch.float64) / mm
        return translate_lines(image, shift, self.phase_axis + 1)

    def severity(self) -> dict[str, float]:
        """``rms_mm``: root mean square displacement over the k-space lines of the last image, mm."""
        return {"rms_mm": self._rms_mm}
