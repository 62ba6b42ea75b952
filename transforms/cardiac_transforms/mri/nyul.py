"""Histogram standardisation: the same tissue at about the same intensity in every image.

There is no random form, as in :mod:`cardiac_transforms.mri.standardize`; MONAI's ``RandHistogramShift`` varies the
histogram afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat

import numpy as np
from monai.config.type_definitions import NdarrayOrTensor
from monai.utils import convert_to_tensor
from torch import Tensor

from cardiac_transforms.image_transform import ImageTransform, dictionary_form
from cardiac_transforms.mri.kernels.standardize import percentiles, piecewise_linear

__all__ = ["NyulStandardize", "NyulStandardizeD", "NyulStandardizeDict", "NyulStandardized", "learn_nyul_landmarks"]

PERCENTS = (1.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 99.0)


def learn_nyul_landmarks(
    images: Iterable[NdarrayOrTensor],
    percents: Sequence[float] = PERCENTS,
    masks: Iterable[NdarrayOrTensor] | None = None,
) -> list[float]:
    """The standard scale of a set of images, for :class:`NyulStandardize`.

    The percentiles of each image's foreground are mapped linearly so that the first becomes 0 and the last 1, and averaged
    over the images (Nyul and Udupa, MRM 1999;42:1072; Nyul, Udupa and Zhang, IEEE TMI 2000;19:143).

    Args:
        images: arrays or tensors of any shape, used one at a time: a generator may load them.
        percents: percentiles of the foreground, at least two, rising.
        masks: the foreground of each image, where not 0, of its shape; ``None``: what is above the image's mean.

    Returns:
        the landmarks, as many as ``percents``, not falling, from 0 to 1.

    Raises:
        ValueError: no image, a constant image, not as many masks as images, or a mask that holds nothing.

    Example:
        >>> [round(v, 3) for v in learn_nyul_landmarks([np.arange(101.0) ** 2], (0, 50, 100))]
        [0.0, 0.434, 1.0]
    """
    _check_percents(percents)
    scales = []
    pairs = zip(images, repeat(None)) if masks is None else zip(images, masks, strict=True)
    for number, (image, mask) in enumerate(pairs):
        plain = convert_to_tensor(image, track_meta=False)
        knots = np.array(percentiles(_foreground(plain, mask), percents))
        if knots[0] == knots[-1]:
            raise ValueError(f"image {number} is constant between percentiles {percents[0]:g} and {percents[-1]:g}.")
        scales.append((knots - knots[0]) / (knots[-1] - knots[0]))
    if not scales:
        raise ValueError("images is empty: landmarks are learnt from one image at least.")
    return [float(v) for v in np.mean(scales, axis=0)]


class NyulStandardize(ImageTransform):
    """Histogram standardisation of Nyul and Udupa: percentiles of the foreground go to landmarks, lines in between.

    The outer lines go on beyond the outer landmarks, and nothing is clipped. The map does not fall, and shifting or scaling
    the image beforehand changes nothing. An image that is constant becomes the first landmark. All channels together.
    The foreground is what is above the mean, or where the companion ``mask`` (of one channel) is not 0, if it is anywhere;
    give a mask here if the landmarks were learnt with masks.

    Args:
        landmarks: from :func:`learn_nyul_landmarks`; plain numbers, e.g. in a configuration file.
        percents: the percentiles with which they were learnt.

    Reference:
        Nyul, Udupa and Zhang, IEEE Trans Med Imaging 2000;19:143.
    """

    companions = ("mask",)

    def __init__(
        self,
        landmarks: Sequence[float],
        percents: Sequence[float] = PERCENTS,
    ) -> None:
        super().__init__()
        _check_percents(percents)
        if len(landmarks) != len(percents) or not (np.isfinite(landmarks).all() and (np.diff(landmarks) >= 0).all()):
            raise ValueError(
                f"landmarks must be one finite number for each of the {len(percents)} percents and not fall,"
                f" got {landmarks!r}."
            )
        self.landmarks, self.percents = [float(v) for v in landmarks], [float(p) for p in percents]

    def apply(self, image: Tensor, spacing: tuple[float, float, float] | None, **companions: Tensor) -> Tensor:
        mask = companions.get("mask")
        inside = None if mask is None or not mask.any() else mask.expand_as(image)
        return piecewise_linear(image, percentiles(_foreground(image, inside), self.percents), self.landmarks)


def _check_percents(percents: Sequence[float]) -> None:
    if len(percents) < 2 or percents[0] < 0 or percents[-1] > 100 or not (np.diff(percents) > 0).all():
        raise ValueError(f"percents must be at least two rising numbers, 0 to 100, got {percents!r}.")


def _foreground(image: Tensor, mask: NdarrayOrTensor | None) -> Tensor:
    """The voxels that count: where ``mask`` is not 0, or above the mean; all of a constant image."""
    if mask is not None:
        inside = convert_to_tensor(mask, track_meta=False) != 0
        if inside.shape != image.shape or not inside.any():
            raise ValueError(f"mask must have the image's shape {tuple(image.shape)} and not be empty.")
        return image[inside]
    above = image[image > image.double().mean()]
    return above if above.numel() else image


NyulStandardized = NyulStandardizeD = NyulStandardizeDict = dictionary_form(NyulStandardize)
