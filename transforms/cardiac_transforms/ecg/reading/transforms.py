"""Reading as MONAI transforms: a picture of an ECG page in, a flat page, a page for a classifier, or signals out."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.config.type_definitions import NdarrayOrTensor
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import convert_to_numpy
from torch import Tensor

from cardiac_transforms.ecg.canonical import canonical_page
from cardiac_transforms.ecg.page_transform import PageTransform, PageWarp, page_dictionary_form
from cardiac_transforms.ecg.reading.ink import remove_grid
from cardiac_transforms.ecg.reading.masking import mask_text
from cardiac_transforms.ecg.reading.page import PageReading, read_page
from cardiac_transforms.ecg.reading.rectify import MESH_MM, PIXELS_PER_MM, RectifiedPage, enlarge_mesh

__all__ = [
    "DigitizeECGPage",
    "DigitizeECGPageD",
    "DigitizeECGPageDict",
    "DigitizeECGPaged",
    "RectifyECGPage",
    "RectifyECGPageD",
    "RectifyECGPageDict",
    "RectifyECGPaged",
    "StandardizeECGPage",
    "StandardizeECGPageD",
    "StandardizeECGPageDict",
    "StandardizeECGPaged",
]


def read_picture(picture: NdarrayOrTensor, pixels_per_mm: float | None = None) -> PageReading:
    """:func:`~cardiac_transforms.ecg.reading.page.read_page` for a picture ``(C, H, W)``, values 0 to 255.

    Raises:
        ValueError: it is no page that can be read; the message is the reason.
    """
    image = np.moveaxis(convert_to_numpy(picture), 0, 2)
    image = np.rint(np.clip(np.repeat(image, 3 // image.shape[2], axis=2), 0, 255)).astype(np.uint8)
    reading = read_page(np.ascontiguousarray(image), pixels_per_mm)
    if not reading.found:
        raise ValueError(reading.reason)
    return reading


class _Flattening(PageWarp):
    """From a picture to the page in it, laid flat."""

    def __init__(self, picture_size: tuple[int, int], page: RectifiedPage) -> None:
        super().__init__(picture_size, (page.image.shape[0], page.image.shape[1]))
        self.page = page

    def forward(self, points: Tensor) -> Tensor:
        """Places on the flat page of places in the picture."""
        return torch.from_numpy(self.page.from_picture(points.numpy()))

    def backward(self) -> Tensor:
        """Place in the picture of every pixel of the flat page."""
        # computed where rectify does, every 4 mm, and interpolated
        y, x = (np.linspace(0, n - 1, max(2, round(n / (MESH_MM * PIXELS_PER_MM)) + 1)) for n in self.size)
        places = self.page.to_picture(np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2))
        mesh = places.reshape(len(y), len(x), 2).transpose(2, 0, 1)
        return enlarge_mesh(mesh, self.size).permute(1, 2, 0)


class RectifyECGPage(PageTransform):
    """The page in a picture, laid flat and upright by its own grid, at 8 pixels per mm.

    Boxes, points, masks and calibration follow (dictionary form).

    Args:
        keep: ``all``; ``traces``, the look of the paper with everything printed or written that is no trace painted over,
            so that no classifier reads a diagnosis or a name; or ``ink``, traces and writing on white without the grid.
        pixels_per_mm: of the picture, if known, for scans whose grid cannot be seen.

    Raises:
        ValueError: (when called) the picture shows no ECG page that can be read; the message is the reason.
    """

    def __init__(self, keep: str = "all", pixels_per_mm: float | None = None) -> None:
        super().__init__()
        if keep not in ("all", "traces", "ink"):
            raise ValueError(f"keep must be 'all', 'traces' or 'ink', got {keep!r}.")
        self.keep, self.pixels_per_mm = keep, pixels_per_mm
        self._page: RectifiedPage | None = None

    def picture(self, page: Tensor) -> Tensor:
        """The flat page ``(C, H', W')``."""
        reading = read_picture(page, self.pixels_per_mm)
        self._page = flat = reading.page
        assert flat is not None and reading.ink is not None and reading.layout is not None
        image = flat.image
        if self.keep == "traces":
            image = mask_text(image, reading.ink, reading.layout, PIXELS_PER_MM, flat.valid)
        elif self.keep == "ink":
            image = remove_grid(image, reading.ink)
        return torch.from_numpy(np.moveaxis(image, 2, 0).astype(np.float32))[: len(page)]

    def warp(self, size: tuple[int, int]) -> PageWarp:
        """Where the points of the picture that was transformed last lie on the flat page."""
        if self._page is None:
            raise RuntimeError("RectifyECGPage has not been called: there is no page whose points could be moved.")
        return _Flattening(size, self._page)


class StandardizeECGPage(PageTransform):
    """The twelve leads of any page in one arrangement for a classifier, without grid, names and text.

    Six rows and two columns, 2.5 s of each lead; see :func:`~cardiac_transforms.ecg.canonical_page`.

    Args:
        pixels_per_mm: of the result; 4 gives 600 x 500 pixels.

    Raises:
        ValueError: (when called) the picture shows no ECG page that can be read; the message is the reason.
    """

    def __init__(self, pixels_per_mm: float = 4.0) -> None:
        super().__init__()
        if not pixels_per_mm > 0:
            raise ValueError(f"pixels_per_mm must be above 0, got {pixels_per_mm!r}.")
        self.pixels_per_mm = float(pixels_per_mm)

    def picture(self, page: Tensor) -> Tensor:
        """The arranged page ``(C, H', W')``."""
        ecg = read_picture(page).signals
        return torch.from_numpy(canonical_page(ecg.signals, ecg.rate, self.pixels_per_mm)).float()[: len(page)]

    def warp(self, size: tuple[int, int]) -> PageWarp:
        """Leads are drawn anew, so nothing can follow."""
        raise NotImplementedError("StandardizeECGPage draws the leads anew: boxes, points and masks cannot follow it.")


class DigitizeECGPage(Transform):
    """The signals of a page: ``(12, 5000)`` mV at 500 Hz, NaN where nothing is printed; a tensor.

    Raises:
        ValueError: (when called) the picture shows no ECG page that can be read; the message is the reason.
    """

    def __call__(self, img: NdarrayOrTensor) -> MetaTensor:
        """Digitise a picture ``(C, H, W)``, values 0 to 255; ``meta`` of the result has ``rate`` and ``quality``."""
        ecg = read_picture(img).signals
        return MetaTensor(torch.from_numpy(ecg.signals), meta={"rate": ecg.rate, "quality": ecg.quality})


class DigitizeECGPaged(MapTransform):
    """Dictionary form of :class:`DigitizeECGPage`.

    Args:
        keys: pictures to digitise.
        allow_missing_keys: do nothing for keys that are not there.
    """

    def __init__(self, keys: KeysCollection, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.transform = DigitizeECGPage()

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Digitise every key."""
        d: dict[Hashable, Any] = dict(data)
        for key in self.key_iterator(d):
            d[key] = self.transform(d[key])
        return d


RectifyECGPaged = RectifyECGPageD = RectifyECGPageDict = page_dictionary_form(RectifyECGPage)
StandardizeECGPaged = StandardizeECGPageD = StandardizeECGPageDict = page_dictionary_form(StandardizeECGPage)
DigitizeECGPageD = DigitizeECGPageDict = DigitizeECGPaged
