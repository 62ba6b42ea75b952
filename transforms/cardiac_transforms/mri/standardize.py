"""Intensities on a scale that images share: that of a reference tissue, or that of the image's own percentiles.

There are no random forms: a standardisation that happens to some images only would be none. To vary window and level
afterwards, MONAI has ``RandScaleIntensity`` and ``RandShiftIntensity``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from cardiac_transforms.image_transform import ImageTransform, dictionary_form
from cardiac_transforms.mri.kernels.standardize import percentiles, robust_spread
from cardiac_transforms.mri.phase_sensitive import one_label_map

__all__ = [
    "StandardizePercentiles",
    "StandardizePercentilesD",
    "StandardizePercentilesDict",
    "StandardizePercentilesd",
    "StandardizeToReference",
    "StandardizeToReferenceD",
    "StandardizeToReferenceDict",
    "StandardizeToReferenced",
]

REFERENCES = ("blood_pool", "remote")


class StandardizePercentiles(ImageTransform):
    """Shift and scale so that two percentiles of the image become 0 and 1; nothing is clipped.

    All channels together. An image that is the same between the percentiles is only shifted.

    Args:
        percents: the two percentiles, rising.
    """

    def __init__(self, percents: Sequence[float] = (1.0, 99.0)) -> None:
        super().__init__()
        if len(percents) != 2 or not 0 <= percents[0] < percents[1] <= 100:
            raise ValueError(f"percents must be two rising numbers, 0 to 100, got {percents!r}.")
        self.percents = (float(percents[0]), float(percents[1]))

    def apply(self, image: Tensor, spacing: tuple[float, float, float] | None, **companions: Tensor) -> Tensor:
        low, high = percentiles(image, self.percents)
        return (image - low) / (high - low or 1.0)


class StandardizeToReference(ImageTransform):
    """Intensities relative to blood or to remote myocardium, which the companion ``mask`` shows.

    * ``blood_pool``: ``(x - zero) / median of blood``, so that blood is 1: the image intensity ratio (Khurram et al., Heart
      Rhythm 2014;11:85).
    * ``remote``: ``(x - median) / SD`` of remote myocardium, so that a voxel reads as the number of standard deviations above
      it in which scar is defined (Kim et al., NEJM 2000;343:1445). Median, and SD from the median absolute deviation: a
      few scarred voxels in the mask do not count.

    Which labels are the reference depends on the scheme: in ``emidec`` blood is 1 and remote myocardium 2, in ``jdl`` remote
    myocardium is 1 and there is no blood. All channels together. Companion: ``mask``, a label map of one channel.

    **Without a usable reference** (no mask, no such label in it, blood not above zero, remote myocardium without spread) the
    image is standardised by :class:`StandardizePercentiles`, 1 and 99 %. Blood is among the brightest tissues, so that is
    near the scale of ``blood_pool`` but far from that of ``remote``.

    Args:
        reference: ``blood_pool`` or ``remote``.
        labels: values of ``mask`` that are the reference.
        zero: value of zero signal for ``blood_pool``, e.g. 2048 in PSIR images stored without a sign.
    """

    companions = ("mask",)

    def __init__(
        self,
        reference: str,
        labels: Sequence[int] = (1,),
        zero: float = 0.0,
    ) -> None:
        super().__init__()
        if reference not in REFERENCES:
            raise ValueError(f"reference must be one of {REFERENCES}, got {reference!r}.")
        if len(labels) == 0 or not math.isfinite(zero):
            raise ValueError(f"labels must not be empty and zero be finite, got {labels!r} and {zero!r}.")
        self.reference, self.labels, self.zero = reference, tuple(labels), float(zero)

    def apply(self, image: Tensor, spacing: tuple[float, float, float] | None, **companions: Tensor) -> Tensor:
        if "mask" in companions:
            mask = one_label_map(companions["mask"], type(self).__name__)[0]
            here = torch.stack([mask == label for label in self.labels]).any(0)
            tissue = image[:, here]
            if tissue.numel():
                median = percentiles(tissue, [50])[0]
                blood = self.reference == "blood_pool"
                level, unit = (self.zero, median - self.zero) if blood else (median, robust_spread(tissue))
                if unit > 0:
                    return (image - level) / unit
        return StandardizePercentiles().apply(image, spacing)


StandardizePercentilesd = StandardizePercentilesD = StandardizePercentilesDict = dictionary_form(StandardizePercentiles)
StandardizeToReferenced = StandardizeToReferenceD = StandardizeToReferenceDict = dictionary_form(StandardizeToReference)
