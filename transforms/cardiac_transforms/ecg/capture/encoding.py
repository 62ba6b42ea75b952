"""What happens to the finished picture: JPEG, lower resolution, grey and black-and-white scans."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageFilter

from cardiac_transforms.ecg.capture.pipeline import FileEffect
from cardiac_transforms.ecg.page_transform import RandomPageTransform, page_dictionary_form
from cardiac_transforms.image_transform import check_choices, draw_range

__all__ = [
    "BlackAndWhiteScan",
    "BlackAndWhiteScanD",
    "BlackAndWhiteScanDict",
    "BlackAndWhiteScand",
    "GreyScan",
    "GreyScanD",
    "GreyScanDict",
    "GreyScand",
    "JPEGCompression",
    "JPEGCompressionD",
    "JPEGCompressionDict",
    "JPEGCompressiond",
    "LowResolution",
    "LowResolutionD",
    "LowResolutionDict",
    "LowResolutiond",
    "RandBlackAndWhiteScan",
    "RandBlackAndWhiteScanD",
    "RandBlackAndWhiteScanDict",
    "RandBlackAndWhiteScand",
    "RandGreyScan",
    "RandGreyScanD",
    "RandGreyScanDict",
    "RandGreyScand",
    "RandJPEGCompression",
    "RandJPEGCompressionD",
    "RandJPEGCompressionDict",
    "RandJPEGCompressiond",
    "RandLowResolution",
    "RandLowResolutionD",
    "RandLowResolutionDict",
    "RandLowResolutiond",
]

METHODS = ("global", "local")
"""Ways to choose the threshold of :class:`BlackAndWhiteScan`."""


class JPEGCompression(FileEffect):
    """The picture as a JPEG file gives it back, written and read by Pillow.

    Args:
        quality: of the file, 1 to 100.
        subsampling: whether colour is stored at half the resolution (4:2:0).
    """

    recorded = ("quality",)

    def __init__(self, quality: int = 75, subsampling: bool = True) -> None:
        super().__init__()
        if not 1 <= quality <= 100:
            raise ValueError(f"quality must be 1 to 100, got {quality!r}.")
        self.quality, self.subsampling = int(quality), subsampling

    def encode(self, picture: Image.Image) -> Image.Image:
        """There and back."""
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=self.quality, subsampling=2 if self.subsampling else 0)
        return Image.open(file)

    def severity(self) -> dict[str, float]:
        """``quality`` as given."""
        return {"quality": float(self.quality)}


class RandJPEGCompression(RandomPageTransform):
    """:class:`JPEGCompression` of random quality; two files in three have their colour at half the resolution.

    Args:
        prob: probability that the page is changed.
        quality: range, 1 to 100; a number f means (1, f).
    """

    recorded = JPEGCompression.recorded

    def __init__(self, prob: float = 0.1, quality: float | Sequence[float] = (30, 95)) -> None:
        super().__init__(prob)
        self.quality = draw_range(quality, "quality", low=1, high=100)

    def draw(self, shape: tuple[int, int, int, int]) -> JPEGCompression:
        """Quality and colour resolution."""
        return JPEGCompression(round(self.R.uniform(*self.quality)), bool(self.R.rand() < 2 / 3))


class LowResolution(FileEffect):
    """The picture made smaller and enlarged again to its size, as from a scan at few dots per inch.

    Args:
        scale: of the small picture, above 0, at most 1.
    """

    recorded = ("scale",)

    def __init__(self, scale: float = 0.5) -> None:
        super().__init__()
        if not 0 < scale <= 1:
            raise ValueError(f"scale must be above 0 and at most 1, got {scale!r}.")
        self.scale = scale

    def encode(self, picture: Image.Image) -> Image.Image:
        """Area means down, bilinear up."""
        width, height = (max(1, round(n * self.scale)) for n in picture.size)
        return picture.resize((width, height), Image.Resampling.BOX).resize(picture.size, Image.Resampling.BILINEAR)

    def severity(self) -> dict[str, float]:
        """``scale`` as given."""
        return {"scale": float(self.scale)}


class RandLowResolution(RandomPageTransform):
    """:class:`LowResolution` at a random scale.

    Args:
        prob: probability that the page is changed.
        scale: range, 0.02 to 1; a number f means (0.02, f).
    """

    recorded = LowResolution.recorded

    def __init__(self, prob: float = 0.1, scale: float | Sequence[float] = (0.4, 0.9)) -> None:
        super().__init__(prob)
        self.scale = draw_range(scale, "scale", low=0.02, high=1)

    def draw(self, shape: tuple[int, int, int, int]) -> LowResolution:
        """The scale."""
        return LowResolution(self.R.uniform(*self.scale))


class GreyScan(FileEffect):
    """A scan or copy without colour, with its contrast.

    Args:
        contrast: by which values are spread about ``white``, above 0.
        white: the grey level that stays white, 1 to 255.
    """

    def __init__(self, contrast: float = 1.0, white: float = 255.0) -> None:
        super().__init__()
        if not contrast > 0:
            raise ValueError(f"contrast must be positive, got {contrast!r}.")
        if not 1 <= white <= 255:
            raise ValueError(f"white must be 1 to 255, got {white!r}.")
        self.contrast, self.white = contrast, white

    def encode(self, picture: Image.Image) -> Image.Image:
        """Luma, spread, in every channel."""
        levels = np.clip(255 + (np.arange(256) - self.white) * self.contrast, 0, 255).round()
        return picture.convert("L").point(levels.astype(int).tolist()).convert(picture.mode)


class RandGreyScan(RandomPageTransform):
    """:class:`GreyScan` of random contrast.

    Args:
        prob: probability that the page is changed.
        contrast: range, 0.1 to 10; a number f means (0.1, f).
        white: range of the grey level that stays white, 1 to 255; a number f means (1, f).
    """

    def __init__(
        self,
        prob: float = 0.1,
        contrast: float | Sequence[float] = (0.9, 1.6),
        white: float | Sequence[float] = (230, 255),
    ) -> None:
        super().__init__(prob)
        self.contrast = draw_range(contrast, "contrast", low=0.1, high=10)
        self.white = draw_range(white, "white", low=1, high=255)

    def draw(self, shape: tuple[int, int, int, int]) -> GreyScan:
        """Contrast and white level."""
        return GreyScan(self.R.uniform(*self.contrast), self.R.uniform(*self.white))


class BlackAndWhiteScan(FileEffect):
    """A scan or fax with two values, 0 and 255.

    Args:
        method: ``global``: black where the grey level is below ``threshold``; ``local``: black where it is more than
            ``offset`` below the mean of its surroundings.
        threshold: grey level, 0 to 255, of ``global``.
        offset: grey levels of ``local``, above 0: small ones keep the grid, large ones only the trace.
        radius: of the surroundings in pixels of ``local``, at least 2.
    """

    def __init__(
        self, method: str = "global", threshold: float = 150.0, offset: float = 30.0, radius: float = 30.0
    ) -> None:
        super().__init__()
        (self.method,) = check_choices((method,), "method", METHODS)
        if not 0 <= threshold <= 255:
            raise ValueError(f"threshold must be 0 to 255, got {threshold!r}.")
        if not (offset > 0 and radius >= 2):
            raise ValueError(f"offset must be positive and radius at least 2, got {offset!r} and {radius!r}.")
        self.threshold, self.offset, self.radius = threshold, offset, radius

    def encode(self, picture: Image.Image) -> Image.Image:
        """0 and 255 in every channel."""
        grey = picture.convert("L")
        if self.method == "global":
            limit: np.ndarray | float = self.threshold
        else:
            # a mean needs no more pixels than about one for half a radius
            step = max(1, round(self.radius / 2))
            around = grey.reduce(step) if min(grey.size) > step else grey.resize((1, 1), Image.Resampling.BOX)
            smooth = around.filter(ImageFilter.BoxBlur(2)).resize(grey.size, Image.Resampling.BILINEAR)
            limit = np.asarray(smooth.point([max(0, round(level - self.offset)) for level in range(256)]))
        return Image.fromarray((np.asarray(grey) >= limit).view(np.uint8) * np.uint8(255)).convert(picture.mode)


class RandBlackAndWhiteScan(RandomPageTransform):
    """:class:`BlackAndWhiteScan` by a random method and threshold.

    Args:
        prob: probability that the page is changed.
        methods: drawn from, as in :class:`BlackAndWhiteScan`.
        threshold: range of the global threshold, 0 to 255; a number f means (0, f).
        offset: range of the local offset, 1 to 254; a number f means (1, f).
    """

    def __init__(
        self,
        prob: float = 0.1,
        methods: Sequence[str] = METHODS,
        threshold: float | Sequence[float] = (90, 200),
        offset: float | Sequence[float] = (15, 60),
    ) -> None:
        super().__init__(prob)
        self.methods = check_choices(methods, "methods", METHODS)
        self.threshold = draw_range(threshold, "threshold", low=0, high=255)
        self.offset = draw_range(offset, "offset", low=1, high=254)

    def draw(self, shape: tuple[int, int, int, int]) -> BlackAndWhiteScan:
        """Method and thresholds."""
        return BlackAndWhiteScan(
            self.methods[self.R.randint(len(self.methods))],
            self.R.uniform(*self.threshold),
            self.R.uniform(*self.offset),
            max(2.0, max(shape[1:3]) / 70),
        )


JPEGCompressiond = JPEGCompressionD = JPEGCompressionDict = page_dictionary_form(JPEGCompression)
RandJPEGCompressiond = RandJPEGCompressionD = RandJPEGCompressionDict = page_dictionary_form(RandJPEGCompression)
LowResolutiond = LowResolutionD = LowResolutionDict = page_dictionary_form(LowResolution)
RandLowResolutiond = RandLowResolutionD = RandLowResolutionDict = page_dictionary_form(RandLowResolution)
GreyScand = GreyScanD = GreyScanDict = page_dictionary_form(GreyScan)
RandGreyScand = RandGreyScanD = RandGreyScanDict = page_dictionary_form(RandGreyScan)
BlackAndWhiteScand = BlackAndWhiteScanD = BlackAndWhiteScanDict = page_dictionary_form(BlackAndWhiteScan)
RandBlackAndWhiteScand = RandBlackAndWhiteScanD = RandBlackAndWhiteScanDict = page_dictionary_form(
    RandBlackAndWhiteScan
)
