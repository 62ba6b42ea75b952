"""Late enhancement with an inversion time that misses the null of normal myocardium."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from cardiac_transforms.image_transform import (
    ImageTransform,
    RandomImageTransform,
    dictionary_form,
    draw_range,
    need_spacing,
)
from cardiac_transforms.mri.kernels.inversion import (
    blend_labels,
    bright_signal,
    full_signal,
    negative_voxels,
    signal_change,
    tissue_density,
)
from cardiac_transforms.mri.kernels.standardize import percentiles
from cardiac_transforms.mri.phase_sensitive import (
    check_display,
    check_t1_table,
    check_times,
    is_phase_sensitive,
    one_label_map,
    tissue_signals,
)

__all__ = [
    "InversionTimeError",
    "InversionTimeErrorD",
    "InversionTimeErrorDict",
    "InversionTimeErrord",
    "RandInversionTimeError",
    "RandInversionTimeErrorD",
    "RandInversionTimeErrorDict",
    "RandInversionTimeErrord",
]

SLICES = 4  # computed at a time
WALL_MM = 8.0  # dark bands up to twice as wide count as nulled myocardium, wider ones as lung or air
# of the 99th percentile: dark regions below the first hold no tissue, above the second they do
TISSUE_LEVELS = (0.1, 0.4)


class InversionTimeError(ImageTransform):
    """The image as it would be had the inversion time been off by ``error_ms``.

    Too short, and normal myocardium is negative: in magnitude images it is bright with a dark rim towards blood and scar, and
    in PSIR images darker than zero. Too long, and it is grey and contrast is lost. The signal of each tissue follows
    ``M = PD (1 - 2 exp(-TI / T1) / (1 + exp(-T / T1)))``; the change ``PD (M(TI + error) - M(TI))`` is **added** to the signed
    image, so that noise stays as it is and nothing is divided by the signal of nulled tissue. What T1 and PD are:

    * Voxels whose label is in ``t1_ms`` have that T1, blended in plane where labels meet. PD is one number, the median of the
      best determined labelled tissue over its signal. A magnitude image gets its sign as in :class:`LGEDisplay`.
    * All other voxels, and all without a mask, follow an intensity-to-T1 model: the image's 99th percentile is tissue with two
      thirds of the T1 that is nulled at ``ti_ms`` (fat, dense scar), zero is nulled tissue, and in between the signal
      equation is solved for T1, short where bright. In magnitude images nothing is taken as negative. Dark regions that are
      wider than a myocardial wall (twice 8 mm) are lung or air and change less, as far as they are dark. Without labels a
      nulled wall that borders on lung looks like lung, so the change fades over 8 mm, and lung close to tissue turns grey.

    The model holds where the remote myocardium is nulled in the image given. An error of 0 is the identity.
    Works in mm. Companion: ``mask``, a label map of one channel.

    Args:
        error_ms: what is added to the inversion time.
        t1_ms: T1 in ms of labels of ``mask``, e.g. ``{1: 330, 2: 480, 3: 310, 4: 520}`` for scheme ``emidec``.
        ti_ms: inversion time of the image; the default nulls T1 = 480 ms (1.5 T, 15 minutes after contrast).
        repetition_ms: time between inversions T, n RR intervals; infinite for full recovery.
        display: ``magnitude``, ``psir``, or ``auto``: PSIR if more than 1 % of the image's voxels are below 0. The result is
            shown in the same way.
        zero: value of zero signal in PSIR images, e.g. 2048 where they are stored without a sign; needs ``display``.
        spacing: voxel size in mm for images without affine.

    Raises:
        ValueError: ``ti_ms`` or ``ti_ms + error_ms`` not between 0 and half of ``repetition_ms``.
    """

    companions = ("mask",)

    def __init__(
        self,
        error_ms: float,
        t1_ms: Mapping[int, float] | None = None,
        ti_ms: float = 316.0,
        repetition_ms: float = 1600.0,
        display: str = "auto",
        zero: float = 0.0,
        spacing: Sequence[float] | None = None,
    ) -> None:
        super().__init__(spacing)
        check_times(ti_ms, repetition_ms)
        if not 0 < ti_ms + error_ms < repetition_ms / 2:
            raise ValueError(f"error_ms = {error_ms!r} takes ti_ms = {ti_ms!r} out of 0 to half of repetition_ms.")
        check_display(display, zero)
        self.error_ms, self.ti_ms, self.repetition_ms = error_ms, ti_ms, repetition_ms
        self.t1_ms, self.display, self.zero = check_t1_table(t1_ms), display, zero

    def apply(self, image: Tensor, spacing: tuple[float, float, float] | None, **companions: Tensor) -> Tensor:
        x, y, _ = need_spacing(spacing, type(self).__name__)
        psir = is_phase_sensitive(image, self.display)
        signed = image - self.zero if psir and self.zero else image
        bright = percentiles(signed, [99])[0]
        if self.error_ms == 0 or bright <= 0:
            return image
        full, known_full = bright / bright_signal(self.ti_ms, self.repetition_ms), None
        before: dict[int, float] = {}
        mask = companions.get("mask")
        if mask is not None and self.t1_ms is not None:
            mask = one_label_map(mask, type(self).__name__)
            before = tissue_signals(self.t1_ms, self.ti_ms, self.repetition_ms)
            known_full = full_signal(signed, mask, before)
            full = known_full or full
        after = tissue_signals(self.t1_ms or {}, self.ti_ms + self.error_ms, self.repetition_ms)
        levels = TISSUE_LEVELS[0] * bright, TISSUE_LEVELS[1] * bright
        radius = round(WALL_MM / x), round(WALL_MM / y)
        fade = (1, 1) if before else radius  # without labels a free wall is found only as the margin of tissue
        result = torch.empty_like(image)
        for first in range(0, image.shape[3], SLICES):  # nothing here crosses slices, and few need little memory
            some = slice(first, first + SLICES)
            part, known = signed[..., some].contiguous(), None
            density = tissue_density(part.abs(), levels, radius, fade)
            if mask is not None and before:
                labels = mask[..., some].contiguous()
                if not psir:
                    part = torch.where(negative_voxels(part, labels, before, known_full), -part, part)
                changes = {label: after[label] - before[label] for label in before}
                known, share = blend_labels(labels, changes, image.dtype)
                density.mul_(1 - share)  # the model is for the rest
            change = signal_change(part / full, self.ti_ms, self.error_ms, self.repetition_ms).mul_(density)
            if known is not None:
                change += known
            moved = part.add(change, alpha=full)
            result[..., some] = moved.add_(self.zero) if psir else moved.abs_()
        return result


class RandInversionTimeError(RandomImageTransform):
    """Random :class:`InversionTimeError`, one for the whole stack.

    Args:
        prob: probability that the image is changed.
        error_ms: range of the error; a number e means (-e, e). Scouts leave 20 ms (standard deviation) and stacks drift.
        t1_ms: as for :class:`InversionTimeError`.
        ti_ms: as for :class:`InversionTimeError`.
        repetition_ms: as for :class:`InversionTimeError`.
        display: as for :class:`InversionTimeError`.
        zero: as for :class:`InversionTimeError`.
        spacing: voxel size in mm for images without affine.
    """

    companions = ("mask",)

    def __init__(
        self,
        prob: float = 0.1,
        error_ms: float | Sequence[float] = (-60.0, 60.0),
        t1_ms: Mapping[int, float] | None = None,
        ti_ms: float = 316.0,
        repetition_ms: float = 1600.0,
        display: str = "auto",
        zero: float = 0.0,
        spacing: Sequence[float] | None = None,
    ) -> None:
        super().__init__(prob, spacing)
        self.error_ms = draw_range(error_ms, "error_ms")
        self.settings = (t1_ms, ti_ms, repetition_ms, display, zero, spacing)
        for bound in self.error_ms:
            InversionTimeError(bound, *self.settings)

    def draw(self, shape: tuple[int, int, int, int]) -> InversionTimeError:
        return InversionTimeError(float(self.R.uniform(*self.error_ms)), *self.settings)


InversionTimeErrord = InversionTimeErrorD = InversionTimeErrorDict = dictionary_form(InversionTimeError)
RandInversionTimeErrord = RandInversionTimeErrorD = RandInversionTimeErrorDict = dictionary_form(RandInversionTimeError)
