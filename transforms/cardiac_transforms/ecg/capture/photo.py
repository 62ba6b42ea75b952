"""A page on its whole way into a picture: scanned, photographed, taken off a screen, crumpled or stained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from monai.config.type_definitions import NdarrayOrTensor
from torch import Tensor

from cardiac_transforms.ecg.capture.encoding import (
    RandBlackAndWhiteScan,
    RandGreyScan,
    RandJPEGCompression,
    RandLowResolution,
)
from cardiac_transforms.ecg.capture.geometry import RandPageCrumple, RandPageCurl, RandPageFold, RandPagePerspective
from cardiac_transforms.ecg.capture.handwriting import RandHandwriting
from cardiac_transforms.ecg.capture.ink import RandGridColour, RandPaperColour
from cardiac_transforms.ecg.capture.light import RandPageGlare, RandPageShadow, RandUnevenLight
from cardiac_transforms.ecg.capture.pipeline import CameraEffect, Effect, capture, warp_of
from cardiac_transforms.ecg.capture.sensor import RandMoire, RandPageBlur, RandSensorNoise
from cardiac_transforms.ecg.capture.stains import RandStains
from cardiac_transforms.ecg.page_transform import PageTransform, PageWarp, RandomPageTransform, page_dictionary_form
from cardiac_transforms.image_transform import ImageTransform, check_choices, draw_range

__all__ = [
    "CAPTURE_KINDS",
    "CapturePage",
    "CapturePageD",
    "CapturePageDict",
    "CapturePaged",
    "RandCapturePage",
    "RandCapturePageD",
    "RandCapturePageDict",
    "RandCapturePaged",
]


class CapturePage(PageTransform):
    """A page with several effects at once: all geometry in one resampling, all light in one gain field.

    The effects act in physical order, whatever order they are given in: paper, shape and camera, light, lens, sensor, file.
    Within one of these stages they act as given.

    Args:
        effects: transforms of this package such as :class:`~cardiac_transforms.ecg.capture.PageFold`; at most one camera.
        kind: name of the whole, for the record.
        severity: of the whole, for the record.
    """

    recorded = ("severity",)

    def __init__(self, effects: Sequence[Effect] = (), kind: str = "", severity: float = 0.0) -> None:
        super().__init__()
        if wrong := [type(e).__name__ for e in effects if not isinstance(e, Effect)]:
            raise TypeError(f"effects must be deterministic page transforms, got {wrong[0]}.")
        if (cameras := sum(isinstance(e, CameraEffect) for e in effects)) > 1:
            raise ValueError(f"effects may have one camera (PagePerspective), got {cameras}.")
        self.effects, self.kind, self.grade = tuple(effects), kind, float(severity)

    def picture(self, page: Tensor) -> Tensor:
        """The picture."""
        return capture(page, self.effects)

    def warp(self, size: tuple[int, int]) -> PageWarp:
        """Where the points of a page of ``size`` ``(H, W)`` lie in the picture."""
        return warp_of(size, self.effects)

    def severity(self) -> dict[str, float]:
        """``severity`` as given."""
        return {"severity": self.grade}


def _flat_bed(s: float, lids: Sequence[tuple[int, int, int]]) -> RandomPageTransform:
    """A page under a lid of one of these colours, nearly straight."""
    return RandPagePerspective(
        1.0, 0.0, 3 * s, fill=(1 - 0.04 * s, 1.0), shift=0.01 * s, scale=(1 - 0.3 * s, 1.0), desks=lids, grain=0.0
    )


def _scan(s: float) -> list[RandomPageTransform]:
    """A flat-bed scanner: nearly straight, even light, a lid or a dark margin around."""
    return [
        RandPaperColour(0.5, (255 - 25 * s, 255), 0.1 * s),
        RandHandwriting(0.15 + 0.2 * s),
        _flat_bed(s, SCANNER),
        RandPageFold(0.3 * s, 3 * s),
        RandUnevenLight(1.0, 0.06 * s, 0.0, 0.0, (1 - 0.08 * s, 1.0), 0.03 * s),
        RandPageBlur(1.0, (0.2 * s, 0.8 * s)),
        RandSensorNoise(1.0, 2 * s, s),
        RandGreyScan(0.15),
        RandJPEGCompression(0.8, (95 - 45 * s, 95)),
    ]


def _black_and_white_scan(s: float) -> list[RandomPageTransform]:
    """A fax or a copy with two values."""
    return [
        RandHandwriting(0.15 + 0.2 * s),
        _flat_bed(s, SCANNER[:1]),
        RandUnevenLight(1.0, 0.1 * s, 0.0, 0.0, (1 - 0.1 * s, 1.0), 0.0),
        RandPageBlur(1.0, (0.2 * s, 0.8 * s)),
        RandSensorNoise(1.0, 6 * s, 3 * s),
        RandLowResolution(0.3 * s, (0.6, 1.0)),
        RandBlackAndWhiteScan(1.0, threshold=(150 - 40 * s, 150 + 60 * s), offset=(30 - 10 * s, 30 + 15 * s)),
    ]


def _phone(s: float) -> list[RandomPageTransform]:
    """A page on a desk, photographed by hand."""
    return [
        RandGridColour(0.2),
        RandPaperColour(0.3, (255 - 35 * s, 255), 0.15 * s),
        RandHandwriting(0.15 + 0.2 * s),
        RandPagePerspective(
            1.0, (4 * s, 24 * s), 8 * s, (1.6, 3.0), (1 - 0.1 * s, 1 + 0.1 * s), 0.02 * s, (1 - 0.4 * s, 1.0)
        ),
        RandPageCurl(0.8, 25 * s),
        RandPageFold(0.3, 6 * s),
        RandPageCrumple(0.4, (3, 15), 0.003 * s),
        RandUnevenLight(1.0, (0.1 * s, 0.6 * s), 0.5 * s, 0.15 * s, (1 - 0.3 * s, 1.0), (-0.12 * s, 0.25 * s)),
        RandPageShadow(0.5, 0.5 * s),
        RandPageGlare(0.1, 0.4 * s),
        RandPageBlur(1.0, (0.4 * s, 1.3 * s)),
        RandSensorNoise(1.0, (s, 7 * s), 2.5 * s),
        RandJPEGCompression(1.0, (92 - 52 * s, 92)),
    ]


def _screen(s: float) -> list[RandomPageTransform]:
    """A photograph of a screen that shows the page."""
    return [
        RandPagePerspective(
            1.0,
            (3 * s, 20 * s),
            6 * s,
            (1.6, 3.0),
            (1 - 0.1 * s, 1 + 0.1 * s),
            0.02 * s,
            (1 - 0.4 * s, 1.0),
            desks=SCREEN,
            grain=0.0,
        ),
        RandUnevenLight(1.0, 0.3 * s, 0.3 * s, 0.15 * s, (1 - 0.3 * s, 1.0), (-0.25 * s, 0.1 * s)),
        RandPageGlare(0.5, 0.6 * s),
        RandPageBlur(1.0, (0.4 * s, 1.2 * s)),
        RandMoire(1.0, (0.04 * s, 0.22 * s)),
        RandSensorNoise(1.0, (s, 6 * s), 2.5 * s),
        RandJPEGCompression(1.0, (92 - 52 * s, 92)),
    ]


def _crumpled(s: float) -> list[RandomPageTransform]:
    """A phone's picture of a page that was folded or crumpled."""
    worn = [
        RandPageFold(0.7, (3 * s, 12 * s), (30, 70)),
        RandPageCrumple(0.9, (8, 30), (0.001 * s, 0.007 * s), (30, 70)),
    ]
    return [e for e in _phone(s) if not isinstance(e, RandPageFold | RandPageCrumple)] + worn


def _stained(s: float) -> list[RandomPageTransform]:
    """A phone's picture of a stained page."""
    return [*_phone(s), RandStains(1.0, (1, 1 + round(5 * s)), (0.1 * s, 0.9 * s))]


SCANNER = ((250, 250, 250), (45, 45, 45), (215, 215, 210))
SCREEN = ((18, 18, 20), (60, 62, 66), (160, 170, 185))
PRESETS: dict[str, Callable[[float], list[RandomPageTransform]]] = {
    "scan": _scan,
    "bw_scan": _black_and_white_scan,
    "phone": _phone,
    "screen": _screen,
    "crumpled": _crumpled,
    "stained": _stained,
}
CAPTURE_KINDS = tuple(PRESETS)
"""Kinds of capture that :class:`RandCapturePage` knows."""


class RandCapturePage(RandomPageTransform):
    """:class:`CapturePage` as a page comes into a picture in hospitals: one of the kinds, at a random severity.

    ``scan`` is a flat-bed scanner, ``bw_scan`` a fax or copy with two values, ``phone`` a photograph by hand, ``screen`` a
    photograph of a screen, ``crumpled`` and ``stained`` are photographs of such pages. At severity 0 geometry and light are
    left alone; at 1 they are as bad as in poor but readable pictures. The picture's size differs from the page's.

    Args:
        prob: probability that the page is changed.
        kinds: drawn from, out of :data:`CAPTURE_KINDS`.
        severity: range, 0 to 1; a number f means (0, f).
        weights: chance of each kind, relative to the others; ``None``: all alike.

    Example:
        >>> page = torch.full((3, 110, 85), 255.0)
        >>> photograph = RandCapturePage(prob=1.0, kinds=("phone",)).set_random_state(1)
        >>> data = {"image": page, "points": torch.tensor([[42.0, 54.5]])}
        >>> out = RandCapturePaged("image", prob=1.0, points_key="points").set_random_state(1)(data)
        >>> photograph(page).shape[0], out["points"].shape
        (3, torch.Size([1, 2]))
    """

    recorded = CapturePage.recorded

    def __init__(
        self,
        prob: float = 0.1,
        kinds: Sequence[str] = CAPTURE_KINDS,
        severity: float | Sequence[float] = (0.0, 1.0),
        weights: Sequence[float] | None = None,
    ) -> None:
        super().__init__(prob)
        self.kinds = check_choices(kinds, "kinds", CAPTURE_KINDS)
        self.severity = draw_range(severity, "severity", low=0, high=1)
        if weights is not None and (len(weights) != len(kinds) or min(weights) < 0 or not sum(weights) > 0):
            raise ValueError(f"weights must be one for each kind, none negative, got {weights!r}.")
        self.weights = None if weights is None else tuple(weight / sum(weights) for weight in weights)

    def draw(self, shape: tuple[int, int, int, int]) -> CapturePage:
        """Kind and severity, then each effect of the kind by its own chance."""
        kind = self.kinds[self.R.choice(len(self.kinds), p=self.weights)]
        severity = self.R.uniform(*self.severity)
        effects = []
        for effect in PRESETS[kind](severity):
            effect.R = self.R
            if self.R.rand() < effect.prob:
                effects.append(effect.draw(shape))
        return CapturePage(effects, kind, severity)

    def _record(self, img: NdarrayOrTensor, transform: ImageTransform | None) -> dict[str, Any]:
        kind = transform.kind if isinstance(transform, CapturePage) else ""
        return {**super()._record(img, transform), "kind": kind}


CapturePaged = CapturePageD = CapturePageDict = page_dictionary_form(CapturePage)
RandCapturePaged = RandCapturePageD = RandCapturePageDict = page_dictionary_form(RandCapturePage)
