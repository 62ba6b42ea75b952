"""Slice misalignment: every slice of a stack from another breath-hold, and so from another place."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.config.type_definitions import NdarrayOrTensor
from monai.utils import convert_to_dst_type, convert_to_tensor, ensure_tuple_rep
from torch import Tensor

from cardiac_transforms.image_transform import (
    DictionaryForm,
    ImageTransform,
    RandomDictionaryForm,
    RandomImageTransform,
    _OneImage,
    draw_range,
    img_dtype,
    need_spacing,
    pixel_spacing,
)
from cardiac_transforms.mri.kernels.slice_shift import MODES, misalign_slices, realign_slices

__all__ = [
    "RandSliceMisalignment",
    "RandSliceMisalignmentD",
    "RandSliceMisalignmentDict",
    "RandSliceMisalignmentd",
    "SliceMisalignment",
    "SliceMisalignmentD",
    "SliceMisalignmentDict",
    "SliceMisalignmentd",
]


def _checked_mode(mode: str) -> str:
    if mode not in MODES:
        raise ValueError(f"mode must be 'bilinear' or 'nearest', got {mode!r}.")
    return mode


class _InvertibleMode(_OneImage):
    """What both array classes add to the base: ``mode`` per call, integer types kept by ``nearest``, and the inverse."""

    recorded = ("rms_mm",)
    mode: str

    def _misaligned(self, img: NdarrayOrTensor, drawn: ImageTransform | None, mode: str | None) -> NdarrayOrTensor:
        mode = self.mode if mode is None else _checked_mode(mode)
        if isinstance(drawn, SliceMisalignment):
            drawn = SliceMisalignment(drawn.shift, mode, drawn.spacing)
        result = self._run(img, drawn, {})
        return convert_to_dst_type(result, dst=result, dtype=img_dtype(img))[0] if mode == "nearest" else result

    def _record(self, img: NdarrayOrTensor, transform: ImageTransform | None) -> dict[str, Any]:
        record: dict[str, Any] = super()._record(img, transform)
        if not isinstance(transform, SliceMisalignment):
            return {**record, "mode": self.mode, "voxels": torch.zeros(img.shape[3] if img.ndim == 4 else 1, 3)}
        return {**record, "mode": transform.mode, "voxels": transform.voxels(pixel_spacing(img, transform.spacing))}

    def inverse(self, data: NdarrayOrTensor) -> NdarrayOrTensor:
        """The slices moved back, by the record that ``data``, a MetaTensor, brings."""
        record = self.pop_transform(data)["extra_info"]
        plain = convert_to_tensor(data, track_meta=False)
        stack = plain[..., None] if plain.ndim == 3 else plain
        if record["mode"] != "nearest" and plain.dtype not in (torch.float32, torch.float64):
            stack = stack.float()
        moved = realign_slices(stack, record["voxels"], record["mode"]).reshape(plain.shape)
        dtype = plain.dtype if plain.dtype.is_floating_point else moved.dtype
        return convert_to_dst_type(moved, dst=data, dtype=dtype)[0]


class SliceMisalignment(_InvertibleMode, ImageTransform):
    """A stack whose slices were taken in different breath-holds: each is shifted in plane and shows another height.

    The label of a slice moves with it, so give image and label to the same transform, the label with ``mode="nearest"``. What a
    breath-hold moved through the plane is interpolated linearly between slices; beyond the stack the outermost slices go
    on. In plane, zero enters from outside the field. With ``mode="nearest"`` integer types are kept (values up to 2^24).
    :meth:`inverse` moves the slices back: exactly in plane for whole voxels but for what left the field, through plane by
    interpolation between the heights that were taken.

    Args:
        shift: displacement of the object along X, Y and Z in mm, one triple for each slice, ``(Z, 3)``.
        mode: ``bilinear`` (linear along Z too) or ``nearest``.
        spacing: mm along each axis, for images without affine.
    """

    def __init__(
        self,
        shift: Sequence[Sequence[float]] | np.ndarray,
        mode: str = "bilinear",
        spacing: Sequence[float] | None = None,
    ) -> None:
        super().__init__(spacing)
        self.shift = np.asarray(shift, dtype=float)
        if self.shift.ndim != 2 or self.shift.shape[1] != 3 or not np.isfinite(self.shift).all():
            raise ValueError(f"shift must be (slices, 3): x, y, z in mm for each slice, got {shift!r}.")
        self.mode = _checked_mode(mode)

    def voxels(self, spacing: tuple[float, float, float] | None) -> Tensor:
        """``shift`` in voxels, ``(Z, 3)``."""
        return torch.from_numpy(self.shift / np.asarray(need_spacing(spacing, type(self).__name__)))

    def apply(self, image: Tensor, spacing: tuple[float, float, float] | None, **companions: Tensor) -> Tensor:
        """The misaligned stack.

        Raises:
            ValueError: ``shift`` has not one triple for each slice.
        """
        return misalign_slices(image, self.voxels(spacing), self.mode)

    def severity(self) -> dict[str, float]:
        """``rms_mm``: root mean square length of the slices' displacements, mm."""
        return {"rms_mm": float(np.sqrt((self.shift**2).sum(1).mean()))}

    def __call__(self, img: NdarrayOrTensor, mode: str | None = None) -> NdarrayOrTensor:  # type: ignore[override]
        """Misalign ``img``; ``mode``, where given, replaces that of the transform."""
        return self._misaligned(img, self, mode)


class RandSliceMisalignment(_InvertibleMode, RandomImageTransform):
    """:class:`SliceMisalignment` by breath-holds that end elsewhere.

    The slices' displacements lie on one line, the direction of breathing as the stack sees it: any direction in plane, and a
    share through the plane. Along it they are normally distributed, scaled to the size that was drawn.

    Args:
        prob: probability that the stack is changed.
        rms_mm: range of the root mean square displacement over the slices, mm; a number f means (0, f).
        through_plane: range of the through-plane part of the displacement, 0 (in plane) to 1 (only along Z); a number f
            means (0, f).
        mode: as in :class:`SliceMisalignment`.
        spacing: mm along each axis, for images without affine.
    """

    def __init__(
        self,
        prob: float = 0.1,
        rms_mm: float | Sequence[float] = (0.5, 4.0),
        through_plane: float | Sequence[float] = (0.3, 0.8),
        mode: str = "bilinear",
        spacing: Sequence[float] | None = None,
    ) -> None:
        super().__init__(prob, spacing)
        self.rms_mm = draw_range(rms_mm, "rms_mm", low=0)
        self.through_plane = draw_range(through_plane, "through_plane", low=0, high=1)
        self.mode = _checked_mode(mode)

    def draw(self, shape: tuple[int, int, int, int]) -> SliceMisalignment:
        """Size, direction and the slices' displacements along it."""
        rms, through = self.R.uniform(*self.rms_mm), self.R.uniform(*self.through_plane)
        angle = self.R.uniform(0, 2 * math.pi)
        along = self.R.normal(size=shape[3])
        along *= rms / np.sqrt((along**2).mean())
        in_plane = math.sqrt(1 - through**2)
        direction = (in_plane * math.cos(angle), in_plane * math.sin(angle), through)
        return SliceMisalignment(np.outer(along, direction), self.mode, self.spacing)

    def __call__(  # type: ignore[override]
        self, img: NdarrayOrTensor, randomize: bool = True, mode: str | None = None
    ) -> NdarrayOrTensor:
        """Misalign ``img``; ``mode``, where given, replaces that of the transform."""
        if randomize:
            self.randomize(img)
        return self._misaligned(img, self.drawn if self._do_transform else None, mode)


class _ModeOfKey(DictionaryForm):
    """A ``mode`` for each key, as MONAI's spatial transforms have."""

    def _set_modes(self, mode: str | Sequence[str]) -> None:
        modes = (_checked_mode(m) for m in ensure_tuple_rep(mode, len(self.keys)))
        self.mode = dict(zip(self.keys, modes, strict=True))

    def _arguments(self, key: Hashable) -> dict[str, Any]:
        return {"mode": self.mode[key]}


class SliceMisalignmentd(_ModeOfKey):
    """Dictionary form of :class:`SliceMisalignment`.

    Args:
        keys: images and labels of one grid.
        shift: as in :class:`SliceMisalignment`.
        mode: one for all keys, or one for each: ``nearest`` for labels.
        spacing: mm along each axis, for images without affine.
        allow_missing_keys: whether absent keys are passed over.
    """

    array = SliceMisalignment
    backend = SliceMisalignment.backend

    def __init__(
        self,
        keys: KeysCollection,
        shift: Sequence[Sequence[float]] | np.ndarray,
        mode: str | Sequence[str] = "bilinear",
        spacing: Sequence[float] | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, shift, spacing=spacing, allow_missing_keys=allow_missing_keys)
        self._set_modes(mode)


class RandSliceMisalignmentd(RandomDictionaryForm, _ModeOfKey):
    """Dictionary form of :class:`RandSliceMisalignment`: the same displacements for all keys.

    Args:
        keys: images and labels of one grid.
        prob: probability that the stack is changed.
        rms_mm: as in :class:`RandSliceMisalignment`.
        through_plane: as in :class:`RandSliceMisalignment`.
        mode: one for all keys, or one for each: ``nearest`` for labels.
        spacing: mm along each axis, for images without affine.
        allow_missing_keys: whether absent keys are passed over.
    """

    array = RandSliceMisalignment
    backend = RandSliceMisalignment.backend

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 0.1,
        rms_mm: float | Sequence[float] = (0.5, 4.0),
        through_plane: float | Sequence[float] = (0.3, 0.8),
        mode: str | Sequence[str] = "bilinear",
        spacing: Sequence[float] | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, prob, rms_mm, through_plane, spacing=spacing, allow_missing_keys=allow_missing_keys)
        self._set_modes(mode)


SliceMisalignmentD = SliceMisalignmentDict = SliceMisalignmentd
RandSliceMisalignmentD = RandSliceMisalignmentDict = RandSliceMisalignmentd
