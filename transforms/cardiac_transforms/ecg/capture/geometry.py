"""Camera pose, curl, folds and crumples of a page."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cardiac_transforms.ecg.capture.camera import Camera
from cardiac_transforms.ecg.capture.pipeline import CameraEffect, ShapeEffect
from cardiac_transforms.ecg.capture.surface import Bend, Ridge
from cardiac_transforms.ecg.page_transform import RandomPageTransform, page_dictionary_form
from cardiac_transforms.image_transform import draw_range

__all__ = [
    "PageCrumple",
    "PageCrumpleD",
    "PageCrumpleDict",
    "PageCrumpled",
    "PageCurl",
    "PageCurlD",
    "PageCurlDict",
    "PageCurld",
    "PageFold",
    "PageFoldD",
    "PageFoldDict",
    "PageFoldd",
    "PagePerspective",
    "PagePerspectiveD",
    "PagePerspectiveDict",
    "PagePerspectived",
    "RandPageCrumple",
    "RandPageCrumpleD",
    "RandPageCrumpleDict",
    "RandPageCrumpled",
    "RandPageCurl",
    "RandPageCurlD",
    "RandPageCurlDict",
    "RandPageCurld",
    "RandPageFold",
    "RandPageFoldD",
    "RandPageFoldDict",
    "RandPageFoldd",
    "RandPagePerspective",
    "RandPagePerspectiveD",
    "RandPagePerspectiveDict",
    "RandPagePerspectived",
]


DESKS = ((110, 90, 70), (70, 72, 75), (185, 180, 172), (150, 120, 90), (38, 36, 38), (95, 110, 130), (205, 205, 205))
"""Colours of desks, RGB: wood, slate, laminate."""


class PagePerspective(CameraEffect):
    """A picture of the page by a camera that is tilted, turned, nearer or farther, and may cut the page off.

    A pinhole camera looks at the centre of the page; straight lines stay straight. Alone, a page that does not fill the frame
    lies on a desk of one colour.

    Args:
        tilt: degrees between the optical axis and the normal of the page, 0 to 60.
        toward: the direction in which the page falls away from the camera, degrees from x (right) towards y (down).
        rotation: of the page in the picture, degrees clockwise, any angle; from 45 degrees on the frame turns with it.
        distance: of the camera from the page's centre, in lengths of its longer side, at least 1.
        fill: size of the page in the frame: 1 fits it in, more cuts it off, less shows the desk. ``None``: the page's centre
            is shown at ``scale``.
        shift: of the page in the frame, x and y, as a share of the frame.
        scale: pixels of the frame for one of the page.
        desk: colour under the page, RGB 0 to 255.
        grain: how uneven that colour is, as on wood: its SD as a share of it. With a grain, the page throws a shadow on it.
    """

    recorded = ("tilt", "rotation")

    def __init__(
        self,
        tilt: float = 20.0,
        toward: float = -90.0,
        rotation: float = 0.0,
        distance: float = 2.5,
        fill: float | None = 1.0,
        shift: Sequence[float] = (0.0, 0.0),
        scale: float = 1.0,
        desk: Sequence[float] = (110.0, 90.0, 70.0),
        grain: float = 0.05,
    ) -> None:
        if not 0 <= tilt <= 60:
            raise ValueError(f"tilt must be 0 to 60 degrees, got {tilt!r}.")
        if not distance >= 1:
            raise ValueError(f"distance must be at least 1, got {distance!r}.")
        if fill is not None and not 0.1 <= fill <= 10:
            raise ValueError(f"fill must be 0.1 to 10, or None, got {fill!r}.")
        if not 0.05 <= scale <= 8:
            raise ValueError(f"scale must be 0.05 to 8, got {scale!r}.")
        if not (math.isfinite(rotation) and math.isfinite(toward)):
            raise ValueError(f"rotation and toward must be degrees, got {rotation!r} and {toward!r}.")
        if not 0 <= grain <= 0.3:
            raise ValueError(f"grain must be 0 to 0.3, got {grain!r}.")
        red, green, blue = desk
        camera = Camera(tilt, toward, rotation, distance, fill, (shift[0], shift[1]), scale)
        super().__init__(camera, (red, green, blue), grain)

    def severity(self) -> dict[str, float]:
        """``tilt`` and ``rotation`` in degrees."""
        return {"tilt": float(self.camera.tilt), "rotation": float(self.camera.rotation)}


class PageCurl(ShapeEffect):
    """A page that curls as a part of a cylinder.

    Args:
        turn: degrees between the two sides of the page; positive: they rise towards the viewer. -90 to 90.
        direction: in which the page is curved, degrees from x (right) towards y (down); 0: a roll that stands upright.
        position: of the line along which the page is level, as a share of its longer side from its centre.
        light: as in :class:`~cardiac_transforms.ecg.capture.pipeline.ShapeEffect`.
        elevation: as there.
    """

    recorded = ("turn",)

    def __init__(
        self,
        turn: float = 30.0,
        direction: float = 0.0,
        position: float = 0.0,
        light: float = -120.0,
        elevation: float = 50.0,
    ) -> None:
        super().__init__(light, elevation)
        if not -90 <= turn <= 90:
            raise ValueError(f"turn must be -90 to 90 degrees, got {turn!r}.")
        self.turn, self.direction, self.position = turn, direction, position

    def shapes(self) -> list[Bend]:
        """One wide bend: with half a page's length on each side, all of the page lies on the cylinder."""
        return [Bend(self.direction, self.position, self.turn, 0.5)]

    def severity(self) -> dict[str, float]:
        """``turn`` in degrees."""
        return {"turn": float(self.turn)}


class PageFold(ShapeEffect):
    """A page that was folded and flattened again: flat pieces that meet in creases at a small angle.

    Args:
        folds: of each crease the direction of its normal (degrees from x towards y: 0 is an upright crease), its distance
            from the page's centre along it (a share of the longer side), and the degrees by which the page turns there,
            -60 to 60 (positive: its sides rise towards the viewer).
        width: half the width of a crease as a share of the longer side.
        light: as in :class:`~cardiac_transforms.ecg.capture.pipeline.ShapeEffect`.
        elevation: as there.
    """

    recorded = ("turn",)

    def __init__(
        self,
        folds: Sequence[Sequence[float]] = ((0.0, 0.0, 8.0),),
        width: float = 0.004,
        light: float = -120.0,
        elevation: float = 50.0,
    ) -> None:
        super().__init__(light, elevation)
        if not all(len(fold) == 3 and abs(fold[2]) <= 60 for fold in folds):
            raise ValueError(f"folds must be (direction, position, turn of -60 to 60 degrees) each, got {folds!r}.")
        if not width > 0:
            raise ValueError(f"width must be positive, got {width!r}.")
        self.folds = tuple((float(a), float(b), float(c)) for a, b, c in folds)
        self.width = width

    def shapes(self) -> list[Bend]:
        """A narrow bend for each crease."""
        return [Bend(direction, position, turn, self.width) for direction, position, turn in self.folds]

    def severity(self) -> dict[str, float]:
        """``turn``: the largest in degrees."""
        return {"turn": max((abs(turn) for _, _, turn in self.folds), default=0.0)}


class PageCrumple(ShapeEffect):
    """A crumpled page: short crests and grooves all over it.

    Args:
        ridges: of each its centre x and y, the direction of its normal in degrees, height, width and half length, as
            :class:`~cardiac_transforms.ecg.capture.surface.Ridge` has them: shares of the page's longer side.
        light: as in :class:`~cardiac_transforms.ecg.capture.pipeline.ShapeEffect`.
        elevation: as there.
    """

    recorded = ("height",)

    def __init__(
        self,
        ridges: Sequence[Sequence[float]] = ((0.0, 0.0, 30.0, 0.004, 0.04, 0.15),),
        light: float = -120.0,
        elevation: float = 50.0,
    ) -> None:
        super().__init__(light, elevation)
        if not all(len(ridge) == 6 and ridge[4] > 0 and ridge[5] > 0 for ridge in ridges):
            raise ValueError(f"ridges must be (x, y, direction, height, width > 0, length > 0) each, got {ridges!r}.")
        self.ridges = tuple(Ridge(*(float(value) for value in ridge)) for ridge in ridges)

    def shapes(self) -> tuple[Ridge, ...]:
        """The ridges."""
        return self.ridges

    def severity(self) -> dict[str, float]:
        """``height``: the largest, as a share of the page's longer side."""
        return {"height": max((abs(ridge.height) for ridge in self.ridges), default=0.0)}


class RandPagePerspective(RandomPageTransform):
    """:class:`PagePerspective` from a random place.

    Args:
        prob: probability that the page is changed.
        tilt: range in degrees, 0 to 60; a number f means (0, f). The direction is drawn from all around.
        rotation: range in degrees; a number f means (-f, f).
        distance: range, from 1; a number f means (1, f).
        fill: range of the page's size in the frame, 0.1 to 10; a number f means (0.1, f).
        shift: range of the shift of the page in the frame, as a share of it; a number f means (-f, f).
        scale: range of pixels of the frame for one of the page, 0.05 to 8; a number f means (0.05, f).
        turns: quarter turns of the page, clockwise, that are drawn from.
        desks: colours under the page that are drawn from, RGB 0 to 255.
        grain: as in :class:`PagePerspective`.
    """

    recorded = PagePerspective.recorded

    def __init__(
        self,
        prob: float = 0.1,
        tilt: float | Sequence[float] = (0.0, 25.0),
        rotation: float | Sequence[float] = (-8.0, 8.0),
        distance: float | Sequence[float] = (1.5, 3.0),
        fill: float | Sequence[float] = (0.85, 1.05),
        shift: float | Sequence[float] = (-0.02, 0.02),
        scale: float | Sequence[float] = (1.0, 1.0),
        turns: Sequence[int] = (0,),
        desks: Sequence[Sequence[float]] = DESKS,
        grain: float = 0.05,
    ) -> None:
        super().__init__(prob)
        self.tilt = draw_range(tilt, "tilt", low=0, high=60)
        self.rotation = draw_range(rotation, "rotation")
        self.distance = draw_range(distance, "distance", low=1)
        self.fill = draw_range(fill, "fill", low=0.1, high=10)
        self.shift = draw_range(shift, "shift")
        self.scale = draw_range(scale, "scale", low=0.05, high=8)
        if not len(turns) or not set(turns) <= {0, 1, 2, 3}:
            raise ValueError(f"turns must be quarter turns out of 0, 1, 2, 3, got {turns!r}.")
        self.turns, self.desks, self.grain = tuple(turns), tuple(tuple(desk) for desk in desks), grain

    def draw(self, shape: tuple[int, int, int, int]) -> PagePerspective:
        """The camera's pose and what lies under the page."""
        turn = self.turns[self.R.randint(len(self.turns))]
        return PagePerspective(
            tilt=self.R.uniform(*self.tilt),
            toward=self.R.uniform(-180, 180),
            rotation=self.R.uniform(*self.rotation) + 90 * turn,
            distance=self.R.uniform(*self.distance),
            fill=self.R.uniform(*self.fill),
            shift=(self.R.uniform(*self.shift), self.R.uniform(*self.shift)),
            scale=self.R.uniform(*self.scale),
            desk=self.desks[self.R.randint(len(self.desks))],
            grain=self.grain,
        )


class RandPageCurl(RandomPageTransform):
    """:class:`PageCurl` of a random strength, towards the viewer or away, mostly about an upright or a level line.

    Args:
        prob: probability that the page is changed.
        turn: range of the degrees between the two sides, -90 to 90; a number f means (-f, f).
        elevation: range of the height of the light in degrees, 1 to 90; a number f means (1, f).
    """

    recorded = PageCurl.recorded

    def __init__(
        self,
        prob: float = 0.1,
        turn: float | Sequence[float] = (-30.0, 30.0),
        elevation: float | Sequence[float] = (40.0, 80.0),
    ) -> None:
        super().__init__(prob)
        self.turn = draw_range(turn, "turn", low=-90, high=90)
        self.elevation = draw_range(elevation, "elevation", low=1, high=90)

    def draw(self, shape: tuple[int, int, int, int]) -> PageCurl:
        """Strength, line and light."""
        return PageCurl(
            turn=self.R.uniform(*self.turn),
            direction=90.0 * self.R.randint(2) + self.R.normal(0, 10),
            position=self.R.uniform(-0.3, 0.3),
            light=self.R.uniform(-180, 180),
            elevation=self.R.uniform(*self.elevation),
        )


class RandPageFold(RandomPageTransform):
    """:class:`PageFold` of a page folded in the ways that letters are: in halves or thirds, along one side or both.

    Args:
        prob: probability that the page is changed.
        turn: range of the degrees by which the page turns in a crease, either way, 0 to 60; a number f means (0, f).
        elevation: range of the height of the light in degrees, 1 to 90; a number f means (1, f).
    """

    recorded = PageFold.recorded

    def __init__(
        self,
        prob: float = 0.1,
        turn: float | Sequence[float] = (2.0, 10.0),
        elevation: float | Sequence[float] = (40.0, 80.0),
    ) -> None:
        super().__init__(prob)
        self.turn = draw_range(turn, "turn", low=0, high=60)
        self.elevation = draw_range(elevation, "elevation", low=1, high=90)

    def draw(self, shape: tuple[int, int, int, int]) -> PageFold:
        """The creases, their angles and the light."""
        longer = max(shape[1:3])
        halves, folds = self.R.randint(1, 4), []
        for axis, extent in enumerate((shape[2] / longer, shape[1] / longer)):
            if not halves & (1 << axis):
                continue
            places = (0.0,) if self.R.rand() < 0.6 else (-extent / 6, extent / 6)
            for place in places:
                turn = self.R.uniform(*self.turn) * self.R.choice((-1, 1))
                folds.append((90.0 * axis + self.R.normal(0, 1), place + self.R.normal(0, 0.02), turn))
        light = self.R.uniform(-180, 180)
        return PageFold(folds, self.R.uniform(0.002, 0.006), light, self.R.uniform(*self.elevation))


class RandPageCrumple(RandomPageTransform):
    """:class:`PageCrumple` with random ridges all over the page.

    Args:
        prob: probability that the page is changed.
        count: range of the number of ridges, at least 1; a number f means (1, f).
        height: range of their height, crest or groove, as a share of the longer side, 0 to 0.05; a number f means (0, f).
        elevation: range of the height of the light in degrees, 1 to 90; a number f means (1, f).
    """

    recorded = PageCrumple.recorded

    def __init__(
        self,
        prob: float = 0.1,
        count: int | Sequence[int] = (5, 25),
        height: float | Sequence[float] = (0.001, 0.006),
        elevation: float | Sequence[float] = (40.0, 80.0),
    ) -> None:
        super().__init__(prob)
        self.count = draw_range(count, "count", low=1)
        self.height = draw_range(height, "height", low=0, high=0.05)
        self.elevation = draw_range(elevation, "elevation", low=1, high=90)

    def draw(self, shape: tuple[int, int, int, int]) -> PageCrumple:
        """The ridges and the light. A ridge is 6 to 12 times as wide as it is high, so its flanks stay below 10 degrees."""
        longer = max(shape[1:3])
        ridges = []
        for _ in range(self.R.randint(int(self.count[0]), int(self.count[1]) + 1)):
            height = self.R.uniform(*self.height)
            ridges.append(
                (
                    self.R.uniform(-0.5, 0.5) * shape[2] / longer,
                    self.R.uniform(-0.5, 0.5) * shape[1] / longer,
                    self.R.uniform(-90, 90),
                    height * self.R.choice((-1, 1)),
                    max(height, 1e-4) * self.R.uniform(6, 12),
                    self.R.uniform(0.05, 0.3),
                )
            )
        return PageCrumple(ridges, self.R.uniform(-180, 180), self.R.uniform(*self.elevation))


PagePerspectived = PagePerspectiveD = PagePerspectiveDict = page_dictionary_form(PagePerspective)
RandPagePerspectived = RandPagePerspectiveD = RandPagePerspectiveDict = page_dictionary_form(RandPagePerspective)
PageCurld = PageCurlD = PageCurlDict = page_dictionary_form(PageCurl)
RandPageCurld = RandPageCurlD = RandPageCurlDict = page_dictionary_form(RandPageCurl)
PageFoldd = PageFoldD = PageFoldDict = page_dictionary_form(PageFold)
RandPageFoldd = RandPageFoldD = RandPageFoldDict = page_dictionary_form(RandPageFold)
PageCrumpled = PageCrumpleD = PageCrumpleDict = page_dictionary_form(PageCrumple)
RandPageCrumpled = RandPageCrumpleD = RandPageCrumpleDict = page_dictionary_form(RandPageCrumple)
