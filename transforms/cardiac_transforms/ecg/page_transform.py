"""What transforms of ECG pages share: a page in, a page out, and boxes, points, masks and calibration that follow.

Pages are ``(1, H, W)`` grey or ``(3, H, W)`` RGB with values 0 to 255. An array transform takes and gives the picture only;
where things of the page went is what its :meth:`PageTransform.warp` says. The dictionary form takes a key for each of them
(``boxes_key``, ``points_key``, ``mask_key``, ``pixels_per_mm_key``) and moves them itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config.type_definitions import NdarrayOrTensor
from monai.data import get_track_meta
from monai.utils import convert_to_dst_type, convert_to_tensor
from torch import Tensor
from torch.nn.functional import grid_sample

from cardiac_transforms.image_transform import (
    DictionaryForm,
    ImageTransform,
    RandomDictionaryForm,
    RandomImageTransform,
    _OneImage,
    dictionary_form,
    img_dtype,
)

EDGE_SAMPLES = 32
"""Points on each edge of a box whose hull is the box after a warp, which may bend the edges."""


def hulls(boxes: Tensor, move: Callable[[Tensor], Tensor]) -> Tensor:
    """Upright hulls ``(N, 4)`` of the outlines of boxes ``(N, 4)``, x1, y1, x2, y2, whose points ``(M, 2)`` were moved."""
    along = torch.linspace(0, 1, EDGE_SAMPLES, dtype=boxes.dtype)
    low, high = torch.zeros_like(along), torch.ones_like(along)
    edges = [(along, low), (along, high), (low, along), (high, along)]
    x, y = (torch.cat(part) for part in zip(*edges, strict=True))
    share = torch.stack([x, y], dim=1)
    outline = boxes[:, None, :2] + share * (boxes[:, None, 2:] - boxes[:, None, :2])
    moved = move(outline.reshape(-1, 2)).view_as(outline)
    return torch.cat([moved.amin(1), moved.amax(1)], dim=1)


class PageWarp(ABC):
    """Where the points of a page lie in the picture that a transform makes of it.

    Args:
        page_size: ``(H, W)`` of the page.
        size: ``(H, W)`` of the picture.
    """

    def __init__(self, page_size: tuple[int, int], size: tuple[int, int]) -> None:
        self.page_size, self.size = page_size, size

    @abstractmethod
    def forward(self, points: Tensor) -> Tensor:
        """Places in the picture, float64 ``(N, 2)``, of places on the page, float64 ``(N, 2)``, both x, y in pixels."""

    @abstractmethod
    def backward(self) -> Tensor:
        """Place on the page, float32 ``(H, W, 2)``, x, y in pixels, of every pixel of the picture."""

    def points(self, points: NdarrayOrTensor) -> NdarrayOrTensor:
        """``points``, x, y in pixels of the page, ``(N, 2)``, in pixels of the picture; NaN stays NaN."""
        return self._moved(points, "points", 2, self.forward)

    def boxes(self, boxes: NdarrayOrTensor) -> NdarrayOrTensor:
        """The upright hulls of the warped outlines of ``boxes``, x1, y1, x2, y2, ``(N, 4)``."""
        return self._moved(boxes, "boxes", 4, lambda plain: hulls(plain, self.forward))

    def pixels_per_mm(self, pixels_per_mm: NdarrayOrTensor) -> NdarrayOrTensor:
        """Calibration at the centre of the page, ``(2,)``.

        The first value is that of the page's axis which lies nearer to the picture's x, the second that of the other, each
        along that axis of the page.
        """
        return self._moved(pixels_per_mm, "pixels_per_mm", 2, self._scales)

    def mask(self, mask: NdarrayOrTensor) -> NdarrayOrTensor:
        """``mask`` ``(C, H, W)`` as it lies in the picture, by the nearest pixel, its type kept; 0 off the page."""
        plain = convert_to_tensor(mask, track_meta=False)
        if plain.ndim != 3 or plain.shape[1:] != self.page_size:
            raise ValueError(
                f"mask must have a channel and the page's size {self.page_size}, got {tuple(plain.shape)}."
            )
        scale = torch.tensor([max(n - 1, 1) / 2 for n in self.page_size[::-1]])
        grid = (self.backward() / scale - 1).to(plain.device)
        moved = grid_sample(plain[None].float(), grid[None], mode="nearest", align_corners=True)[0]
        return convert_to_dst_type(moved.to(plain.dtype), dst=mask)[0]

    def _moved(self, value: NdarrayOrTensor, name: str, width: int, move: Any) -> NdarrayOrTensor:
        plain = convert_to_tensor(value, track_meta=False).detach().cpu().double()
        if plain.shape[-1:] != (width,) or plain.ndim != (1 if name == "pixels_per_mm" else 2):
            raise ValueError(f"{name} must have {width} values each, got shape {tuple(plain.shape)}.")
        dtype = (
            value.dtype if isinstance(value, Tensor) else torch.from_numpy(np.empty(0, np.asarray(value).dtype)).dtype
        )
        moved = move(plain)
        return convert_to_dst_type(moved, dst=value, dtype=dtype if dtype.is_floating_point else torch.float32)[0]

    def _scales(self, pixels_per_mm: Tensor) -> Tensor:
        height, width = self.page_size
        centre = torch.tensor([(width - 1) / 2, (height - 1) / 2], dtype=torch.float64)
        step = torch.eye(2, dtype=torch.float64) * 0.5
        axes = self.forward(centre + step) - self.forward(
            centre - step
        )  # rows: page x, page y, in pixels of the picture
        scale = axes.norm(dim=1) * pixels_per_mm
        return scale if axes[0, 0].abs() >= axes[0, 1].abs() else scale.flip(0)


class Unmoved(PageWarp):
    """The warp of a transform that leaves everything in its place."""

    def __init__(self, page_size: tuple[int, int]) -> None:
        super().__init__(page_size, page_size)

    def forward(self, points: Tensor) -> Tensor:
        """The points themselves."""
        return points

    def backward(self) -> Tensor:
        """Every pixel's own place."""
        y, x = (torch.arange(n, dtype=torch.float32) for n in self.page_size)
        return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)


def picture_memory(like: Tensor, *shape: int) -> Tensor:
    """Memory for a float32 picture of ``shape`` on the device of ``like``, values undefined.

    On a CPU numpy provides it: it asks the system for large pages, which for a page of 45 MB takes less than half the time.
    """
    if like.device.type != "cpu":
        return like.new_empty(shape, dtype=torch.float32)
    return torch.from_numpy(np.empty(shape, np.float32))


class _OnePage(_OneImage):
    """One page in, one picture out."""

    companions = ("boxes", "points", "mask", "pixels_per_mm")

    def _run(
        self, img: NdarrayOrTensor, transform: ImageTransform | None, companions: dict[str, Any]
    ) -> NdarrayOrTensor:
        if isinstance(img, np.ndarray | Tensor) and (img.ndim == 4 or (img.ndim == 3 and img.shape[0] not in (1, 3))):
            raise ValueError(
                f"{type(self).__name__} expects an image (1, H, W) or (3, H, W), got shape {tuple(img.shape)}."
            )
        if companions:
            raise TypeError(f"{type(self).__name__} moves {sorted(companions)[0]} by warp(size) or in dictionary form.")
        if isinstance(img, np.ndarray | Tensor) and img_dtype(img) in (
            torch.uint8,
            torch.int16,
            torch.int32,
            torch.int64,
        ):
            tracked = convert_to_tensor(img, track_meta=get_track_meta())
            img = convert_to_dst_type(picture_memory(tracked, *img.shape).copy_(tracked), tracked, torch.float32)[0]
        return super()._run(img, transform, companions)

    @abstractmethod
    def warp(self, size: tuple[int, int]) -> PageWarp:
        """Where the points of a page of ``size`` ``(H, W)`` went; of a random transform, when it was called last."""


class PageTransform(_OnePage, ImageTransform):
    """A deterministic transform of a page ``(1, H, W)`` or ``(3, H, W)``, values 0 to 255, in float32.

    Numpy arrays, tensors and MetaTensors come in; out comes a MetaTensor (a tensor where MONAI does not track metadata). A
    floating type is kept; integers become float32. The input is not changed.
    """

    def __init__(self) -> None:
        super().__init__()

    @abstractmethod
    def picture(self, page: Tensor) -> Tensor:
        """The picture, float32 ``(C, H', W')``, of a page, float32 ``(C, H, W)``, not to be written to."""

    def apply(self, image: Tensor, spacing: tuple[float, float, float] | None, **companions: Tensor) -> Tensor:
        """The picture, with the axis of slices that the base wants."""
        return self.picture(image[..., 0].float())[..., None]

    def warp(self, size: tuple[int, int]) -> PageWarp:
        """Where the points of a page of ``size`` ``(H, W)`` lie in the picture; by default where they were."""
        return Unmoved(size)


class RandomPageTransform(_OnePage, RandomImageTransform):
    """A random transform of a page: draws a :class:`PageTransform` and applies it.

    Args:
        prob: probability that the page is changed, 0 to 1.
    """

    drawn: PageTransform | None  # type: ignore[assignment]

    def __init__(self, prob: float = 0.1) -> None:
        super().__init__(prob)

    def warp(self, size: tuple[int, int]) -> PageWarp:
        """Where the points of a page of ``size`` ``(H, W)`` went in the last call."""
        return self.drawn.warp(size) if self._do_transform and self.drawn is not None else Unmoved(size)


class PageDictionaryForm(DictionaryForm):
    """Dictionary form of a page transform; made by :func:`page_dictionary_form`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.follower_keys, self.companion_keys = self.companion_keys, {}

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Transform every key; boxes, points, mask and calibration belong to the first key and follow it."""
        d = super().__call__(data)
        followers = {name: key for name, key in self.follower_keys.items() if key is not None}
        for first in list(self.key_iterator(d))[:1] if followers else []:
            warp = self.transform.warp(tuple(data[first].shape[1:]))
            for name, key in followers.items():
                d[key] = getattr(warp, name)(d[key])
        return d


class RandomPageDictionaryForm(PageDictionaryForm, RandomDictionaryForm):
    """Dictionary form of a random page transform; made by :func:`page_dictionary_form`."""


def page_dictionary_form(array: type[PageTransform | RandomPageTransform]) -> Any:
    """The dictionary form of a page transform, as :func:`~cardiac_transforms.image_transform.dictionary_form` makes it."""
    random = issubclass(array, RandomPageTransform)
    return dictionary_form(array, RandomPageDictionaryForm if random else PageDictionaryForm)
