"""Colour of the grid and of the paper, changed on a finished page."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from cardiac_transforms.ecg.capture.pipeline import BAND, PaperEffect
from cardiac_transforms.ecg.page_transform import RandomPageTransform, page_dictionary_form
from cardiac_transforms.image_transform import draw_range

__all__ = [
    "GridColour",
    "GridColourD",
    "GridColourDict",
    "GridColourd",
    "PaperColour",
    "PaperColourD",
    "PaperColourDict",
    "PaperColourd",
    "RandGridColour",
    "RandGridColourD",
    "RandGridColourDict",
    "RandGridColourd",
    "RandPaperColour",
    "RandPaperColourD",
    "RandPaperColourDict",
    "RandPaperColourd",
]


def _checked_colour(colour: Sequence[float], name: str) -> tuple[float, float, float]:
    if len(colour) != 3 or not all(0 <= value <= 255 for value in colour):
        raise ValueError(f"{name} must be red, green and blue of 0 to 255, got {colour!r}.")
    red, green, blue = (float(value) for value in colour)
    return red, green, blue


class GridColour(PaperEffect):
    """The coloured grid of a page in another colour; black ink and paper stay.

    Ink takes away light by Lambert and Beer: a share ``t`` of what the paper reflects is left, and absorbances ``-log t`` of
    several inks add. What all three colours lose alike is black ink; the rest is the coloured ink of the grid, whose amount
    is ``log(max t / min t)``. It is given the new ink's absorbances, of which the largest is ``strength`` times that amount.
    A grey page has no coloured ink and stays as it is. Coloured handwriting is taken for grid, so write after this.

    Args:
        colour: of the new ink, RGB 0 to 255; how light it is does not count. Grey makes a grey grid.
        strength: of the new grid over the old one, 0 (no grid) to 4.
    """

    def __init__(self, colour: Sequence[float] = (120.0, 190.0, 130.0), strength: float = 1.0) -> None:
        super().__init__()
        self.colour = _checked_colour(colour, "colour")
        if not 0 <= strength <= 4:
            raise ValueError(f"strength must be 0 to 4, got {strength!r}.")
        self.strength = strength

    def mark(self, page: Tensor) -> None:
        """Recolour, with the 90th percentile of each channel as the paper."""
        if page.shape[0] == 1:
            return
        absorbance = [-math.log(max(value, 1.0) / 255) for value in self.colour]
        share = [a / max(*absorbance, 1e-9) * self.strength for a in absorbance]
        sample = page[:, :: max(1, page.shape[1] // 128), :: max(1, page.shape[2] // 128)].flatten(1)
        paper = sample.quantile(0.9, dim=1).clamp_(min=1).view(3, 1, 1)
        for start in range(0, page.shape[1], BAND):
            band = page[:, start : start + BAND]
            left = band / paper
            most = left.amax(0)
            amount = (left.amin(0) / most.clamp(min=1 / 255)).clamp_(1 / 255, 1).log_()
            for channel, light, part in zip(band, paper.flatten(), share, strict=True):
                torch.mul(most, (amount * part).exp_(), out=channel).mul_(light)


class RandGridColour(RandomPageTransform):
    """:class:`GridColour` in one of the colours that papers have.

    Args:
        prob: probability that the page is changed.
        strength: range of the strength of the new grid over the old one, 0 to 4; a number f means (0, f).
        colours: drawn from, RGB 0 to 255; each component is varied by up to 15.
    """

    def __init__(
        self,
        prob: float = 0.1,
        strength: float | Sequence[float] = (0.6, 1.4),
        colours: Sequence[Sequence[float]] = (
            (235, 120, 130),
            (240, 140, 190),
            (245, 160, 110),
            (200, 90, 80),
            (120, 190, 130),
            (120, 160, 220),
            (150, 150, 150),
        ),
    ) -> None:
        super().__init__(prob)
        self.strength = draw_range(strength, "strength", low=0, high=4)
        if not len(colours):
            raise ValueError("colours must be one or more.")
        self.colours = tuple(_checked_colour(colour, "colours") for colour in colours)

    def draw(self, shape: tuple[int, int, int, int]) -> GridColour:
        """Colour and strength."""
        colour = self.colours[self.R.randint(len(self.colours))]
        varied = [min(max(value + self.R.uniform(-15, 15), 0), 255) for value in colour]
        return GridColour(varied, self.R.uniform(*self.strength))


class PaperColour(PaperEffect):
    """A page on paper of another colour: every value times that of the paper.

    Args:
        colour: of the paper, RGB 0 to 255.
    """

    def __init__(self, colour: Sequence[float] = (240.0, 234.0, 220.0)) -> None:
        super().__init__()
        self.colour = _checked_colour(colour, "colour")

    def mark(self, page: Tensor) -> None:
        """Multiply."""
        paper = torch.tensor(self.colour) / 255
        page.mul_((paper if page.shape[0] == 3 else paper.mean()[None]).view(-1, 1, 1).to(page.device))


class RandPaperColour(RandomPageTransform):
    """:class:`PaperColour` between white, grey and yellowed.

    Args:
        prob: probability that the page is changed.
        lightness: range of the lightest component, 1 to 255; a number f means (1, f).
        yellow: range of the share that blue loses, and green a third of it, 0 to 0.9; a number f means (0, f).
    """

    def __init__(
        self,
        prob: float = 0.1,
        lightness: float | Sequence[float] = (225, 255),
        yellow: float | Sequence[float] = (0.0, 0.15),
    ) -> None:
        super().__init__(prob)
        self.lightness = draw_range(lightness, "lightness", low=1, high=255)
        self.yellow = draw_range(yellow, "yellow", low=0, high=0.9)

    def draw(self, shape: tuple[int, int, int, int]) -> PaperColour:
        """The colour."""
        light, yellow = self.R.uniform(*self.lightness), self.R.uniform(*self.yellow)
        return PaperColour((light, light * (1 - yellow / 3), light * (1 - yellow)))


GridColourd = GridColourD = GridColourDict = page_dictionary_form(GridColour)
RandGridColourd = RandGridColourD = RandGridColourDict = page_dictionary_form(RandGridColour)
PaperColourd = PaperColourD = PaperColourDict = page_dictionary_form(PaperColour)
RandPaperColourd = RandPaperColourD = RandPaperColourDict = page_dictionary_form(RandPaperColour)
