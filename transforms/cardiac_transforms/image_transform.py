"""What every image transform here shares: checks, conversion, random draws, records, and the dictionary form.

A deterministic transform ``X`` names its parameters and does one thing in :meth:`ImageTransform.apply`. A random transform
``RandX`` only draws: :meth:`RandomImageTransform.draw` returns an ``X``, which is kept, so a replay with ``randomize=False``
repeats it and nothing large stays on the object. :func:`dictionary_form` makes ``Xd`` and ``RandXd`` of either.
"""

from __future__ import annotations

import inspect
import math
from abc import abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from monai.config import KeysCollection
from monai.config.type_definitions import NdarrayOrTensor
from monai.data import MetaTensor, get_track_meta
from monai.transforms import InvertibleTransform, MapTransform, RandomizableTransform
from monai.utils import TransformBackends, convert_to_dst_type, convert_to_tensor
from torch import Tensor


class _OneImage(InvertibleTransform):
    """One image in, one out; what :class:`ImageTransform` and :class:`RandomImageTransform` have in common."""

    backend = [TransformBackends.TORCH]
    companions: ClassVar[tuple[str, ...]] = ()
    """Further images of the same grid that ``__call__`` takes by these names, e.g. a mask; dictionary: ``<name>_key``."""
    recorded: ClassVar[tuple[str, ...]] = ()
    """Names of the severities noted in the image's ``applied_operations``; 0 where a random transform did nothing."""

    def _run(
        self, img: NdarrayOrTensor, transform: ImageTransform | None, companions: dict[str, Any]
    ) -> NdarrayOrTensor:
        """Apply ``transform`` (``None``: leave the values alone) and convert as the class documentation says."""
        if unknown := set(companions) - set(self.companions):
            raise TypeError(f"{type(self).__name__} takes no argument {sorted(unknown)[0]!r}.")
        plain = _working_copy(img, type(self).__name__)
        dtype = torch.float32 if not img_dtype(img).is_floating_point else img_dtype(img)
        out = plain
        if transform is not None:
            extras = {name: _companion(name, value, plain) for name, value in companions.items() if value is not None}
            out = transform.apply(plain, pixel_spacing(img, transform.spacing), **extras)
        if img.ndim == 3:
            out = out[..., 0]
        # a result that is still the caller's memory would let later in-place steps change the caller's image
        shared = out.data_ptr() == convert_to_tensor(img, track_meta=False).data_ptr()
        tracked = convert_to_tensor(img, track_meta=get_track_meta())
        result = convert_to_dst_type(out.clone() if shared else out, dst=tracked, dtype=dtype)[0]
        if self.recorded:
            result = self.push_transform(result, extra_info=self._record(img, transform))
        return result

    def _record(self, img: NdarrayOrTensor, transform: ImageTransform | None) -> dict[str, Any]:
        """What is noted of this call: the severities; a subclass with an inverse of its own adds what that needs."""
        return transform.severity() if transform is not None else dict.fromkeys(self.recorded, 0.0)

    def inverse(self, data: NdarrayOrTensor) -> NdarrayOrTensor:
        """The image as it is: an artefact is not undone, only its record is taken off."""
        if self.recorded:
            self.pop_transform(data)
        return data


class ImageTransform(_OneImage):
    """A deterministic transform of one channel-first image ``(C, X, Y)`` or ``(C, X, Y, Z)``, slices along Z.

    Numpy arrays, tensors and MetaTensors come in; out comes a MetaTensor (a tensor where MONAI does not track metadata). A
    floating type is kept, with the computation in float32 at least; integers become float32. The input is not changed.

    Args:
        spacing: voxel size in mm along each spatial axis, for images that bring no affine; a MetaTensor's affine wins.
            Needed only by transforms that work in mm.
    """

    def __init__(self, spacing: Sequence[float] | None = None) -> None:
        if spacing is not None and not all(math.isfinite(s) and s > 0 for s in spacing):
            raise ValueError(f"spacing must be positive mm along each axis, got {spacing!r}.")
        self.spacing = None if spacing is None else tuple(float(s) for s in spacing)

    @abstractmethod
    def apply(self, image: Tensor, spacing: tuple[float, float, float] | None, **companions: Tensor) -> Tensor:
        """Compute the result; calls a kernel.

        Args:
            image: float32 or float64 ``(C, X, Y, Z)``, not to be written to; a 2-D image comes with Z = 1.
            spacing: mm along X, Y, Z, or ``None`` where the image brings none.
            companions: by name, ``(C', X, Y, Z)`` on the image's device, in their own type; absent ones are left out.
        """

    def severity(self) -> dict[str, float]:
        """Values for each name in ``recorded``."""
        return {}

    def __call__(self, img: NdarrayOrTensor, **companions: Any) -> NdarrayOrTensor:
        """Transform ``img``; ``companions`` as the class names them."""
        return self._run(img, self, companions)


class RandomImageTransform(RandomizableTransform, _OneImage):
    """A random transform: draws an :class:`ImageTransform` and applies it.

    Args:
        prob: probability that the image is changed, 0 to 1.
        spacing: as in :class:`ImageTransform`.
    """

    def __init__(self, prob: float = 0.1, spacing: Sequence[float] | None = None) -> None:
        if not 0 <= prob <= 1:
            raise ValueError(f"prob must be 0 to 1, got {prob!r}.")
        RandomizableTransform.__init__(self, prob)
        self.spacing = spacing
        self.drawn: ImageTransform | None = None

    @abstractmethod
    def draw(self, shape: tuple[int, int, int, int]) -> ImageTransform:
        """Draw the parameters from ``self.R`` for an image of ``shape`` ``(C, X, Y, Z)``, Z = 1 in 2-D."""

    def randomize(self, data: NdarrayOrTensor) -> None:
        """Draw whether, and how, an image like ``data`` is changed."""
        super().randomize(None)
        if self._do_transform:
            self.drawn = self.draw(_checked_shape(data, type(self).__name__))

    def __call__(self, img: NdarrayOrTensor, randomize: bool = True, **companions: Any) -> NdarrayOrTensor:
        """Transform ``img``; with ``randomize=False`` what was drawn last is repeated."""
        if randomize:
            self.randomize(img)
        return self._run(img, self.drawn if self._do_transform else None, companions)


def img_dtype(img: NdarrayOrTensor) -> torch.dtype:
    """Type of an array or tensor, as torch names it."""
    return img.dtype if isinstance(img, Tensor) else torch.from_numpy(np.empty(0, img.dtype)).dtype


def pixel_spacing(img: NdarrayOrTensor, spacing: Sequence[float] | None = None) -> tuple[float, float, float] | None:
    """Voxel size of an image in mm along X, Y and Z.

    Args:
        img: ``(C, X, Y)`` or ``(C, X, Y, Z)``; a MetaTensor brings its affine.
        spacing: used where ``img`` is no MetaTensor; 2 values (Z: 1 mm) or 3.

    Raises:
        ValueError: ``spacing`` has not one value for each spatial axis.
    """
    if isinstance(img, MetaTensor):
        mm = [float(v) for v in img.pixdim][:3]
    elif spacing is None:
        return None
    elif len(spacing) != img.ndim - 1:
        raise ValueError(f"spacing needs one value for each of the {img.ndim - 1} spatial axes, got {tuple(spacing)}.")
    else:
        mm = [float(v) for v in spacing]
    x, y, z = (mm + [1.0, 1.0])[:3]
    return x, y, z


def need_spacing(spacing: tuple[float, float, float] | None, name: str) -> tuple[float, float, float]:
    """``spacing`` itself, or a ValueError that says how to give it to the transform ``name``."""
    if spacing is None:
        raise ValueError(f"{name} works in mm: give spacing=(x, y[, z]) in mm, or a MetaTensor with its affine.")
    return spacing


def draw_range(
    value: float | Sequence[float], name: str, low: float = -math.inf, high: float = math.inf
) -> tuple[float, float]:
    """A range to draw from, checked: ``(a, b)`` as it is; a number f means ``(-f, f)`` if ``low`` < 0, else ``(low, f)``.

    Args:
        value: what the caller gave for the argument ``name``.
        name: for the message.
        low: smallest allowed value.
        high: largest allowed value.

    Raises:
        ValueError: not one or two numbers, falling, or outside ``low`` to ``high``.

    Example:
        >>> draw_range((1, 4), "rms_mm", low=0), draw_range(4, "rms_mm", low=0), draw_range(3, "degrees")
        ((1.0, 4.0), (0.0, 4.0), (-3.0, 3.0))
    """
    pair = np.atleast_1d(np.asarray(value, dtype=float)).tolist()
    if len(pair) == 1:
        pair = [-abs(pair[0]) if low < 0 else float(low), pair[0]]
    if len(pair) != 2 or not low <= pair[0] <= pair[1] <= high:
        raise ValueError(f"{name} must be a number or (low, high) within {low:g} to {high:g}, got {value!r}.")
    return pair[0], pair[1]


def check_axes(axes: Sequence[int], name: str, allowed: tuple[int, ...] = (0, 1)) -> tuple[int, ...]:
    """``axes``, given as the argument ``name``, or a ValueError unless they are different axes out of ``allowed``.

    The default allows the axes in plane, 0 (X) and 1 (Y), for phase encoding.
    """
    if not len(axes) or len(set(axes)) < len(axes) or not set(axes) <= set(allowed):
        raise ValueError(f"{name} must be among the axes {allowed}, each once, got {axes!r}.")
    return tuple(int(axis) for axis in axes)


def check_choices(values: Sequence[str], name: str, known: Sequence[str]) -> tuple[str, ...]:
    """``values``, given as the argument ``name``, or a ValueError unless they are one or more of ``known``."""
    if isinstance(values, str) or not values or not set(values) <= set(known):
        raise ValueError(f"{name} must be one or more of {', '.join(known)}, got {values!r}.")
    return tuple(values)


def _checked_shape(img: NdarrayOrTensor, name: str) -> tuple[int, int, int, int]:
    """``(C, X, Y, Z)`` of a real image, Z = 1 in 2-D; ``name`` is the transform's, for the messages."""
    if not isinstance(img, np.ndarray | Tensor):
        raise TypeError(f"{name} expects img as an array or tensor, got {type(img).__name__}.")
    dtype = img_dtype(img)
    if dtype.is_complex or dtype == torch.bool:
        raise TypeError(f"{name} expects a real image, got img of type {dtype}; take its magnitude or cast it first.")
    if img.ndim not in (3, 4) or 0 in img.shape:
        raise ValueError(f"{name} expects an image (C, X, Y) or (C, X, Y, Z), got shape {tuple(img.shape)}.")
    channels, x, y, z = (*img.shape, 1)[:4]
    return channels, x, y, z


def _working_copy(img: NdarrayOrTensor, name: str) -> Tensor:
    """Plain ``(C, X, Y, Z)`` in float32 or float64; may share memory with ``img``."""
    shape = _checked_shape(img, name)
    plain = convert_to_tensor(img, track_meta=False).detach()
    return (plain if plain.dtype in (torch.float32, torch.float64) else plain.float()).reshape(shape)


def _companion(name: str, value: NdarrayOrTensor, image: Tensor) -> Tensor:
    """Companion as a plain tensor on the grid of ``image``."""
    plain = convert_to_tensor(value, track_meta=False, device=image.device)
    plain = plain[..., None] if plain.ndim == 3 else plain
    if plain.ndim != 4 or plain.shape[1:] != image.shape[1:]:
        grid, given = tuple(image.shape[1:]), tuple(value.shape)
        raise ValueError(f"{name} must have a channel and the image's grid {grid} (Z = 1 in 2-D), got shape {given}.")
    return plain


class DictionaryForm(MapTransform, InvertibleTransform):
    """Dictionary form of an array transform; made by :func:`dictionary_form`."""

    array: ClassVar[type[_OneImage]]

    def __init__(self, keys: KeysCollection, *args: Any, allow_missing_keys: bool = False, **kwargs: Any) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        names = {f"{name}_key": name for name in self.array.companions}
        self.companion_keys = {names[key]: kwargs.pop(key, None) for key in list(kwargs) if key in names}
        self.transform: Any = self.array(*args, **kwargs)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Transform every key; a random transform is drawn once, for the first key, and does the same to all."""
        d: dict[Hashable, Any] = dict(data)
        present = list(self.key_iterator(d))
        replay = {}
        if isinstance(self.transform, RandomImageTransform) and present:
            self.transform.randomize(d[present[0]])
            replay = {"randomize": False}
        companions = {name: d[key] for name, key in self.companion_keys.items() if key is not None}
        for key in present:
            d[key] = self.transform(d[key], **replay, **companions, **self._arguments(key))
        return d

    def _arguments(self, key: Hashable) -> dict[str, Any]:
        """Further arguments of the array transform for this key; none unless a subclass has some, e.g. ``mode``."""
        return {}

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """What the array transform's inverse does, for every key."""
        d: dict[Hashable, Any] = dict(data)
        for key in self.key_iterator(d):
            d[key] = self.transform.inverse(d[key])
        return d


class RandomDictionaryForm(RandomizableTransform, DictionaryForm):
    """Dictionary form of a random array transform; made by :func:`dictionary_form`."""

    def __init__(self, keys: KeysCollection, *args: Any, allow_missing_keys: bool = False, **kwargs: Any) -> None:
        DictionaryForm.__init__(self, keys, *args, allow_missing_keys=allow_missing_keys, **kwargs)
        RandomizableTransform.__init__(self, self.transform.prob)

    def set_random_state(
        self, seed: int | None = None, state: np.random.RandomState | None = None
    ) -> RandomDictionaryForm:
        """Seed the array transform, which makes all draws."""
        super().set_random_state(seed, state)
        self.transform.set_random_state(seed, state)
        return self


def dictionary_form(array: type[_OneImage], base: type[DictionaryForm] | None = None) -> Any:
    """The dictionary form ``Xd`` of an array transform ``X``, to be bound to that name in the module of ``X``.

    Its arguments are ``keys``, those of ``X``, a key for each companion (``mask_key`` for ``mask``), and
    ``allow_missing_keys``. ``base`` is the class to make it from, by default :class:`RandomDictionaryForm` or
    :class:`DictionaryForm`.
    """
    empty, keyword = inspect.Parameter.empty, inspect.Parameter.KEYWORD_ONLY
    own = list(inspect.signature(array).parameters.values())
    extra = [inspect.Parameter(f"{name}_key", keyword, default=None) for name in array.companions]
    extra.append(inspect.Parameter("allow_missing_keys", keyword, default=False))
    keys = inspect.Parameter("keys", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=empty)
    text = (
        f"Dictionary form of :class:`{array.__name__}`: takes ``keys``, then its arguments.\n\n{inspect.getdoc(array)}"
    )
    base = base or (RandomDictionaryForm if issubclass(array, RandomImageTransform) else DictionaryForm)
    return type(
        f"{array.__name__}d",
        (base,),
        {
            "__module__": array.__module__,
            "__doc__": text,
            "__signature__": inspect.Signature([keys, *own, *extra]),
            "array": array,
            "backend": array.backend,
        },
    )
