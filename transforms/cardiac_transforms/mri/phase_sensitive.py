"""Late enhancement as a magnitude or as a phase-sensitive (PSIR) image.

The scanner measures a signal with a sign: tissue whose T1 is still recovering is negative. Magnitude images show its absolute
value, phase-sensitive ones the signed value, often stored with an offset, so that zero signal is grey. From PSIR the
magnitude follows; the way back needs to know which tissue is negative.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from cardiac_transforms.image_transform import ImageTransform, RandomImageTransform, dictionary_form
from cardiac_transforms.mri.kernels.inversion import full_signal, inversion_recovery, negative_voxels

__all__ = [
    "LGEDisplay",
    "LGEDisplayD",
    "LGEDisplayDict",
    "LGEDisplayd",
    "RandLGEDisplay",
    "RandLGEDisplayD",
    "RandLGEDisplayDict",
    "RandLGEDisplayd",
]

DISPLAYS = ("magnitude", "psir")


def check_display(display: str, zero: float) -> None:
    """Refuse unknown displays, and an offset that an image of unknown display may not have."""
    if display not in (*DISPLAYS, "auto"):
        raise ValueError(f"display must be 'magnitude', 'psir' or 'auto', got {display!r}.")
    if not math.isfinite(zero) or (zero and display == "auto"):
        raise ValueError(f"zero = {zero!r} needs to be finite, and display to be given: with 'auto' zero must be 0.")


def check_t1_table(t1_ms: Mapping[int, float] | None) -> dict[int, float] | None:
    """``t1_ms`` with whole-number keys (which JSON turns into text)."""
    if t1_ms is None:
        return None
    if not t1_ms or not all(math.isfinite(t1) and t1 > 0 for t1 in t1_ms.values()):
        raise ValueError(f"t1_ms must give a T1 in ms above 0 for each label, got {t1_ms!r}.")
    return {int(label): float(t1) for label, t1 in t1_ms.items()}


def check_times(ti_ms: float, repetition_ms: float) -> None:
    """Refuse an inversion time at which nothing is nulled."""
    if not 0 < ti_ms < repetition_ms / 2:
        raise ValueError(f"ti_ms must be above 0 and below half of repetition_ms ({repetition_ms!r}), got {ti_ms!r}.")


def tissue_signals(t1_ms: Mapping[int, float], ti_ms: float, repetition_ms: float) -> dict[int, float]:
    """Signal M / PD of each label."""
    return {label: float(inversion_recovery(t1, ti_ms, repetition_ms)) for label, t1 in t1_ms.items()}


def one_label_map(mask: Tensor, name: str) -> Tensor:
    """``mask`` itself, which must have one channel."""
    if mask.shape[0] != 1:
        raise ValueError(f"{name} expects mask as a label map of one channel, got shape {tuple(mask.shape)}.")
    return mask


def is_phase_sensitive(image: Tensor, display: str) -> bool:
    """Whether ``image`` is PSIR; ``auto``: where more than 1 % of its voxels are below zero (noise alone sees to that)."""
    if display != "auto":
        return display == "psir"
    return int((image < 0).sum()) > 0.01 * image.numel()


class LGEDisplay(ImageTransform):
    """Show a late-enhancement image as magnitude, as PSIR, or in the way in which it is not shown.

    PSIR to magnitude is ``|x - zero|``. Magnitude to PSIR gives the negative sign to tissue that is nulled later than the
    inversion time of the image: ``x`` becomes ``zero - x`` there and ``zero + x`` elsewhere. Magnitude alone does not tell
    (it rises again below the null), so this needs ``mask``, ``t1_ms`` and ``ti_ms``. Voxels whose label is not in ``t1_ms``
    are taken as positive; at borders the sign changes where the blended signal is zero. An image that is already shown as
    wanted is left as it is. Companion: ``mask``, a label map of one channel.

    Args:
        show: ``magnitude``, ``psir``, or ``other``: whichever the image is not.
        display: of the image given: ``magnitude``, ``psir``, or ``auto``: PSIR if more than 1 % of its voxels are below 0.
        zero: value of zero signal in PSIR images, e.g. 2048 where they are stored without a sign; needs ``display``.
        t1_ms: T1 in ms of each label of ``mask``, e.g. ``{1: 330, 2: 480, 3: 310, 4: 520}`` for scheme ``emidec``.
        ti_ms: inversion time of the image.
        repetition_ms: time between inversions, n RR intervals.

    Raises:
        ValueError: a magnitude image is to be shown as PSIR and the mask, ``t1_ms`` or ``ti_ms`` is missing.
    """

    companions = ("mask",)

    def __init__(
        self,
        show: str = "other",
        display: str = "auto",
        zero: float = 0.0,
        t1_ms: Mapping[int, float] | None = None,
        ti_ms: float | None = None,
        repetition_ms: float = 1600.0,
    ) -> None:
        super().__init__()
        if show not in (*DISPLAYS, "other"):
            raise ValueError(f"show must be 'magnitude', 'psir' or 'other', got {show!r}.")
        check_display(display, zero)
        if ti_ms is not None:
            check_times(ti_ms, repetition_ms)
        self.show, self.display, self.zero = show, display, zero
        self.t1_ms, self.ti_ms, self.repetition_ms = check_t1_table(t1_ms), ti_ms, repetition_ms

    def apply(self, image: Tensor, spacing: tuple[float, float, float] | None, **companions: Tensor) -> Tensor:
        given = "psir" if is_phase_sensitive(image, self.display) else "magnitude"
        if self.show == given:
            return image
        if given == "psir":
            return (image - self.zero).abs()
        mask = companions.get("mask")
        if mask is None or self.t1_ms is None or self.ti_ms is None:
            raise ValueError(
                "a magnitude image does not tell which tissue is negative: to show it as PSIR give mask, t1_ms and ti_ms,"
                " or ask for show='magnitude'."
            )
        signals = tissue_signals(self.t1_ms, self.ti_ms, self.repetition_ms)
        mask = one_label_map(mask, type(self).__name__)
        negative = negative_voxels(image, mask, signals, full_signal(image, mask, signals))
        return self.zero + torch.where(negative, -image, image)


class RandLGEDisplay(RandomImageTransform):
    """With probability ``prob`` show the image in another way, as :class:`LGEDisplay` does; nothing else is drawn.

    For images of both kinds without masks use ``show="magnitude"``: PSIR images are shown as magnitude, the others stay.

    Args:
        prob: probability that the image is changed.
        show: as for :class:`LGEDisplay`.
        display: as for :class:`LGEDisplay`.
        zero: as for :class:`LGEDisplay`.
        t1_ms: as for :class:`LGEDisplay`.
        ti_ms: as for :class:`LGEDisplay`.
        repetition_ms: as for :class:`LGEDisplay`.
    """

    companions = ("mask",)

    def __init__(
        self,
        prob: float = 0.1,
        show: str = "other",
        display: str = "auto",
        zero: float = 0.0,
        t1_ms: Mapping[int, float] | None = None,
        ti_ms: float | None = None,
        repetition_ms: float = 1600.0,
    ) -> None:
        super().__init__(prob)
        self.transform = LGEDisplay(show, display, zero, t1_ms, ti_ms, repetition_ms)

    def draw(self, shape: tuple[int, int, int, int]) -> LGEDisplay:
        return self.transform


LGEDisplayd = LGEDisplayD = LGEDisplayDict = dictionary_form(LGEDisplay)
RandLGEDisplayd = RandLGEDisplayD = RandLGEDisplayDict = dictionary_form(RandLGEDisplay)
