"""Light on a page: uneven lighting, shadows with a soft edge, glare."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from cardiac_transforms.ecg.capture.pipeline import LightEffect, View
from cardiac_transforms.ecg.page_transform import RandomPageTransform, page_dictionary_form
from cardiac_transforms.image_transform import draw_range

__all__ = [
    "PageGlare",
    "PageGlareD",
    "PageGlareDict",
    "PageGlared",
    "PageShadow",
    "PageShadowD",
    "PageShadowDict",
    "PageShadowd",
    "RandPageGlare",
    "RandPageGlareD",
    "RandPageGlareDict",
    "RandPageGlared",
    "RandPageShadow",
    "RandPageShadowD",
    "RandPageShadowDict",
    "RandPageShadowd",
    "RandUnevenLight",
    "RandUnevenLightD",
    "RandUnevenLightDict",
    "RandUnevenLightd",
    "UnevenLight",
    "UnevenLightD",
    "UnevenLightDict",
    "UnevenLightd",
]


class UnevenLight(LightEffect):
    """Light that falls off across the picture and towards the corners, of a certain colour and brightness.

    The gain is ``exposure * tint * exp(strength * d - curvature * (d^2 + s^2)) / (1 + vignette * r^2)^2``, with d along the
    direction of the light and s across it, from -0.5 to 0.5 over the longer side of the frame, and r = 1 in the corners: the
    last factor is the fourth power of a cosine, as of a lens. The gain is scaled so that it is nowhere above 1.

    Args:
        direction: to which the picture gets brighter, degrees from x (right) towards y (down).
        strength: of the gradient: the log of the brightest over the darkest side.
        curvature: of the log of the light; positive is a pool of light in the middle.
        vignette: 0.2 leaves 70 % of the light in the corners.
        exposure: brightness of white paper where the light is brightest, above 0, at most 1.
        tint: red, green and blue of the light, each above 0; only their ratios count where none is above 1.
    """

    recorded = ("strength",)

    def __init__(
        self,
        direction: float = -45.0,
        strength: float = 0.4,
        curvature: float = 0.0,
        vignette: float = 0.1,
        exposure: float = 0.9,
        tint: Sequence[float] = (1.0, 1.0, 1.0),
    ) -> None:
        super().__init__()
        if not 0 < exposure <= 1:
            raise ValueError(f"exposure must be above 0 and at most 1, got {exposure!r}.")
        if len(tint) != 3 or not all(0 < value <= 1 for value in tint):
            raise ValueError(f"tint must be red, green and blue, each above 0 and at most 1, got {tint!r}.")
        if not vignette >= 0:
            raise ValueError(f"vignette must not be negative, got {vignette!r}.")
        self.direction, self.strength, self.curvature = direction, strength, curvature
        self.vignette, self.exposure, self.tint = vignette, exposure, tuple(float(value) for value in tint)

    def gain(self, view: View) -> Tensor:
        """The formula above, ``(3, h, w)``."""
        along = view.x * math.cos(math.radians(self.direction)) + view.y * math.sin(math.radians(self.direction))
        radius = view.x.square() + view.y.square()
        log = self.strength * along - self.curvature * radius
        gain = log.exp() / (1 + self.vignette * radius / radius.max().clamp(min=1e-6)).square()
        return self.exposure * gain / gain.max() * torch.tensor(self.tint, dtype=gain.dtype).view(3, 1, 1)

    def severity(self) -> dict[str, float]:
        """``strength`` as given."""
        return {"strength": float(self.strength)}


class RandUnevenLight(RandomPageTransform):
    """:class:`UnevenLight` of random direction, strength, brightness and warmth.

    Args:
        prob: probability that the page is changed.
        strength: range of the gradient; a number f means (0, f).
        curvature: range; a number f means (-f, f).
        vignette: range; a number f means (0, f).
        exposure: range of the brightness of white paper, 0.05 to 1; a number f means (0.05, f).
        warmth: range: 0.3 takes 30 % off blue and 9 % off green (lamp light), -0.3 off red and green (shade under a blue
            sky); within -0.9 to 0.9. A number f means (-f, f).
    """

    recorded = UnevenLight.recorded

    def __init__(
        self,
        prob: float = 0.1,
        strength: float | Sequence[float] = (0.1, 0.8),
        curvature: float | Sequence[float] = (-0.4, 0.8),
        vignette: float | Sequence[float] = (0.0, 0.2),
        exposure: float | Sequence[float] = (0.6, 0.95),
        warmth: float | Sequence[float] = (-0.1, 0.25),
    ) -> None:
        super().__init__(prob)
        self.strength = draw_range(strength, "strength", low=0)
        self.curvature = draw_range(curvature, "curvature")
        self.vignette = draw_range(vignette, "vignette", low=0)
        self.exposure = draw_range(exposure, "exposure", low=0.05, high=1)
        self.warmth = draw_range(warmth, "warmth", low=-0.9, high=0.9)

    def draw(self, shape: tuple[int, int, int, int]) -> UnevenLight:
        """Direction, strengths, exposure and tint."""
        warmth = self.R.uniform(*self.warmth)
        loss = abs(warmth)
        return UnevenLight(
            direction=self.R.uniform(-180, 180),
            strength=self.R.uniform(*self.strength),
            curvature=self.R.uniform(*self.curvature),
            vignette=self.R.uniform(*self.vignette),
            exposure=self.R.uniform(*self.exposure),
            tint=(1.0, 1 - 0.3 * loss, 1 - loss) if warmth >= 0 else (1 - loss, 1 - 0.3 * loss, 1.0),
        )


class PageShadow(LightEffect):
    """A shadow with a soft edge: of a hand or phone (a blob), or of something larger (an edge across the picture).

    The gain is ``1 - darkness`` inside and 1 outside, with a cubic step between them that is ``softness`` wide.

    Args:
        x: centre of the shadow, in lengths of the frame's longer side from its centre, to the right.
        y: the same downwards.
        radius: half the width across, in the same lengths. With a large one the edge is nearly straight.
        stretch: half the length over half the width, at least 1.
        direction: of the length, degrees from x towards y.
        darkness: share of the light that is lost inside, 0 to 1.
        softness: width of the edge in the same lengths, above 0; it lies half inside, half outside.
    """

    recorded = ("darkness",)

    def __init__(
        self,
        x: float = 0.35,
        y: float = 0.3,
        radius: float = 0.25,
        stretch: float = 1.5,
        direction: float = 30.0,
        darkness: float = 0.4,
        softness: float = 0.1,
    ) -> None:
        super().__init__()
        if not 0 <= darkness <= 1:
            raise ValueError(f"darkness must be 0 to 1, got {darkness!r}.")
        if not (radius > 0 and softness > 0 and stretch >= 1):
            raise ValueError("radius and softness must be above 0 and stretch at least 1.")
        self.x, self.y, self.radius, self.stretch = x, y, radius, stretch
        self.direction, self.darkness, self.softness = direction, darkness, softness

    def gain(self, view: View) -> Tensor:
        """1 outside, ``1 - darkness`` inside, ``(1, h, w)``."""
        cos, sin = math.cos(math.radians(self.direction)), math.sin(math.radians(self.direction))
        along = (view.x - self.x) * cos + (view.y - self.y) * sin
        across = (view.y - self.y) * cos - (view.x - self.x) * sin
        # to first order the distance from the outline of the ellipse
        length = self.radius * self.stretch
        level = ((along / length).square() + (across / self.radius).square()).sqrt()
        steep = ((along / length**2).square() + (across / self.radius**2).square()).sqrt() / level.clamp(min=1e-6)
        inside = (0.5 + (1 - level) / steep.clamp(min=1e-6) / self.softness).clamp(0, 1)
        return 1 - self.darkness * (inside.square() * (3 - 2 * inside))[None]

    def severity(self) -> dict[str, float]:
        """``darkness`` as given."""
        return {"darkness": float(self.darkness)}


class RandPageShadow(RandomPageTransform):
    """:class:`PageShadow` that comes in from an edge of the frame.

    Args:
        prob: probability that the page is changed.
        darkness: range, 0 to 1; a number f means (0, f).
        softness: range of the width of the edge as a share of the frame, 0.005 to 1; a number f means (0.005, f).
    """

    recorded = PageShadow.recorded

    def __init__(
        self,
        prob: float = 0.1,
        darkness: float | Sequence[float] = (0.1, 0.5),
        softness: float | Sequence[float] = (0.03, 0.3),
    ) -> None:
        super().__init__(prob)
        self.darkness = draw_range(darkness, "darkness", low=0, high=1)
        self.softness = draw_range(softness, "softness", low=0.005, high=1)

    def draw(self, shape: tuple[int, int, int, int]) -> PageShadow:
        """Where it comes from, its size and form."""
        side, radius = self.R.uniform(-math.pi, math.pi), self.R.uniform(0.15, 0.6)
        away = 0.4 + radius * self.R.uniform(0.2, 0.8)
        return PageShadow(
            x=away * math.cos(side),
            y=away * math.sin(side),
            radius=radius,
            stretch=self.R.uniform(1, 3),
            direction=math.degrees(side) + self.R.normal(0, 30),
            darkness=self.R.uniform(*self.darkness),
            softness=self.R.uniform(*self.softness),
        )


class PageGlare(LightEffect):
    """The reflection of a lamp on glossy paper, a screen or a plastic cover: a bright spot that washes the picture out.

    Args:
        x: centre, in lengths of the frame's longer side from its centre, to the right.
        y: the same downwards.
        radius: at which it has fallen to 1 / e, in the same lengths, above 0.
        strength: share of white in the centre, 0 to 1.
    """

    recorded = ("strength",)

    def __init__(self, x: float = 0.1, y: float = -0.15, radius: float = 0.15, strength: float = 0.5) -> None:
        super().__init__()
        if not 0 <= strength <= 1:
            raise ValueError(f"strength must be 0 to 1, got {strength!r}.")
        if not radius > 0:
            raise ValueError(f"radius must be positive, got {radius!r}.")
        self.x, self.y, self.radius, self.strength = x, y, radius, strength

    def gain(self, view: View) -> Tensor:
        """1: what is lost is lost to the veil."""
        return torch.ones_like(view.x)[None]

    def veil(self, view: View) -> Tensor:
        """A Gaussian spot, ``(h, w)``."""
        distance = (view.x - self.x).square() + (view.y - self.y).square()
        return self.strength * (-distance / self.radius**2).exp()

    def severity(self) -> dict[str, float]:
        """``strength`` as given."""
        return {"strength": float(self.strength)}


class RandPageGlare(RandomPageTransform):
    """:class:`PageGlare` somewhere in the picture.

    Args:
        prob: probability that the page is changed.
        strength: range of the share of white in its centre, 0 to 1; a number f means (0, f).
        radius: range of its size as a share of the frame, 0.01 to 1; a number f means (0.01, f).
    """

    recorded = PageGlare.recorded

    def __init__(
        self,
        prob: float = 0.1,
        strength: float | Sequence[float] = (0.1, 0.6),
        radius: float | Sequence[float] = (0.05, 0.25),
    ) -> None:
        super().__init__(prob)
        self.strength = draw_range(strength, "strength", low=0, high=1)
        self.radius = draw_range(radius, "radius", low=0.01, high=1)

    def draw(self, shape: tuple[int, int, int, int]) -> PageGlare:
        """Place, size and strength."""
        x, y = self.R.uniform(-0.5, 0.5, size=2)
        return PageGlare(x, y, self.R.uniform(*self.radius), self.R.uniform(*self.strength))


UnevenLightd = UnevenLightD = UnevenLightDict = page_dictionary_form(UnevenLight)
RandUnevenLightd = RandUnevenLightD = RandUnevenLightDict = page_dictionary_form(RandUnevenLight)
PageShadowd = PageShadowD = PageShadowDict = page_dictionary_form(PageShadow)
RandPageShadowd = RandPageShadowD = RandPageShadowDict = page_dictionary_form(RandPageShadow)
PageGlared = PageGlareD = PageGlareDict = page_dictionary_form(PageGlare)
RandPageGlared = RandPageGlareD = RandPageGlareDict = page_dictionary_form(RandPageGlare)
