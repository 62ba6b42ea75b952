"""Ink and paper: recoloured grids, coloured paper, handwriting and stains."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiac_transforms.ecg.capture import (
    CapturePage,
    GridColour,
    Handwriting,
    PaperColour,
    RandGridColour,
    RandHandwriting,
    RandPaperColour,
    RandStains,
    Stain,
    Stains,
)

from .pages import gridded, plain

TRACE = (slice(None), slice(47, 49))
GREEN, BLUE = (120.0, 200.0, 130.0), (110.0, 150.0, 230.0)


def hue(colour: torch.Tensor) -> float:
    """Degrees."""
    return 360 * colorsys.rgb_to_hsv(*(colour / 255).tolist())[0]


@pytest.mark.parametrize("colour", [GREEN, BLUE])
def test_the_grid_takes_the_new_hue_and_black_ink_and_white_paper_stay(colour):
    page = gridded(pitch=8)
    picture = GridColour(colour)(page).as_tensor()
    assert hue(picture[:, 16, 20]) == pytest.approx(hue(torch.tensor(colour)), abs=8)
    assert abs(hue(page[:, 16, 20]) - hue(picture[:, 16, 20])) > 60
    torch.testing.assert_close(picture[TRACE], page[TRACE], atol=1.5, rtol=0)
    white = (page == 255).all(0)
    torch.testing.assert_close(picture[:, white], page[:, white], atol=1e-3, rtol=0)
    # as dark as before in the colour that is absorbed most
    assert float(picture[:, 16, 20].min()) == pytest.approx(float(page[:, 16, 20].min()), abs=6)


def test_recolouring_there_and_back_gives_the_page_again():
    page = gridded(ink=(255.0, 130.0, 140.0))  # what red alone loses counts as black and would stay
    back = GridColour((255.0, 130.0, 140.0))(GridColour((120.0, 255.0, 130.0))(page)).as_tensor()
    assert (back - page).abs().max() < 3


def test_ink_at_half_coverage_keeps_half_the_absorbance():
    page = plain()
    page[:, 10:20, 10:20] = torch.tensor([255.0, 100.0, 100.0])[:, None, None]
    page[:, 30:40, 10:20] = 255 * (torch.tensor([255.0, 100.0, 100.0]) / 255).sqrt()[:, None, None]
    picture = GridColour(GREEN, strength=0.8)(page).as_tensor() / 255
    torch.testing.assert_close(2 * picture[:, 35, 15].log(), picture[:, 15, 15].log(), atol=1e-3, rtol=1e-3)


def test_strength_zero_takes_the_grid_off_and_grey_makes_a_grey_one():
    page = gridded()
    bare = GridColour(GREEN, strength=0.0)(page).as_tensor()
    rows = [row for row in range(96) if row not in (47, 48)]
    assert bare[:, rows].min() >= 239  # all that is left is what the ink took from every colour
    torch.testing.assert_close(bare[TRACE], page[TRACE], atol=1.5, rtol=0)
    grey = GridColour((150, 150, 150))(page).as_tensor()[:, 16, 20]
    assert grey.max() - grey.min() < 1 and grey.max() < 160


def test_the_colour_of_the_paper_counts_as_paper():
    page = PaperColour((240.0, 230.0, 210.0))(gridded())
    once = GridColour(GREEN)(page).as_tensor()
    other_way = PaperColour((240.0, 230.0, 210.0))(GridColour(GREEN)(gridded())).as_tensor()
    torch.testing.assert_close(once, other_way, atol=0.5, rtol=0)


def test_a_grey_page_has_no_coloured_grid():
    page = gridded()[:1]
    torch.testing.assert_close(GridColour(GREEN)(page).as_tensor(), page)
    torch.testing.assert_close(
        GridColour(GREEN)(page.expand(3, -1, -1)).as_tensor(), page.expand(3, -1, -1), atol=1e-3, rtol=0
    )


def test_paper_multiplies():
    picture = PaperColour((200.0, 100.0, 50.0))(gridded()).as_tensor()
    torch.testing.assert_close(picture, gridded() * torch.tensor([200, 100, 50])[:, None, None] / 255)


def test_a_stroke_has_the_colour_of_its_ink_and_its_width_and_nothing_else_changes():
    page = plain(400, 600)
    stroke = ((-0.3, 0.1), (0.0, 0.1), (0.3, 0.1))
    picture = Handwriting((stroke,), width=0.02, colour=(30, 40, 150))(page).as_tensor()
    middle = round(199.5 + 0.1 * 600)
    torch.testing.assert_close(picture[:, middle, 300], torch.tensor([30.0, 40.0, 150.0]), atol=1, rtol=0)
    dark = (picture[0, :, 300] < 140).sum()
    assert abs(int(dark) - 12) <= 1
    assert torch.equal(picture[:, : middle - 8], page[:, : middle - 8])
    assert torch.equal(picture[:, :, :100], page[:, :, :100])


def test_a_stroke_goes_through_its_points_and_over_print_and_may_leave_the_page():
    points = ((-0.3, -0.2), (-0.1, 0.2), (0.2, -0.1), (0.9, 0.9))
    page = gridded(400, 600)
    picture = Handwriting((points,), width=0.01)(page).as_tensor()
    for x, y in points[:3]:
        assert float(picture[0, round(199.5 + y * 600), round(299.5 + x * 600)]) < 60
    assert (picture <= page + 1e-4).all()
    torch.testing.assert_close(Handwriting((((2, 2), (3, 3)),))(page).as_tensor(), page)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 999))
def test_random_handwriting_is_a_few_dark_strokes(seed):
    page = plain(240, 320)
    picture = RandHandwriting(1.0, words=(1, 4)).set_random_state(seed)(page).as_tensor()
    share = float((picture.amin(0) < 200).float().mean())
    assert (picture <= page).all() and 0 <= share < 0.1


@pytest.mark.parametrize("kind", ["ring", "spot", "mould"])
def test_a_stain_darkens_only_around_its_place(kind):
    page = plain(200, 300)
    picture = Stains((Stain(kind, 0.1, -0.05, 0.1, 1.0, seed=4),))(page).as_tensor()
    y, x = torch.meshgrid(torch.arange(200), torch.arange(300), indexing="ij")
    distance = torch.hypot(x - (149.5 + 30), y - (99.5 - 15)) / 30
    assert torch.equal(picture[:, distance > 1.7], page[:, distance > 1.7])
    assert (picture <= page + 1e-3).all() and picture.amin() < 215
    if kind == "ring":
        rim, middle = picture[2, (distance - 1).abs() < 0.05].mean(), picture[2, distance < 0.6].mean()
        assert rim < middle - 10


def test_dyes_of_several_stains_add_their_absorbances():
    page = plain(200, 300)
    one, two = Stain("spot", 0.0, 0.0, 0.1, 0.5, 1), Stain("spot", 0.05, 0.0, 0.1, 0.7, 2)
    both = Stains((one, two))(page).as_tensor()
    expected = Stains((one,))(page).as_tensor() * Stains((two,))(page).as_tensor() / 255
    torch.testing.assert_close(both, expected, atol=1e-2, rtol=0)
    torch.testing.assert_close(Stains((Stain("ring", 0, 0, 0.1, 0.0),))(page).as_tensor(), page)


def test_marks_stand_on_the_paper_so_they_follow_its_warps_and_come_before_the_light():
    from cardiac_transforms.ecg.capture import PagePerspective, PageShadow

    marks = Handwriting((((-0.2, 0.0), (0.2, 0.05)),), width=0.02)
    page = plain(200, 300)
    together = CapturePage([PageShadow(), PagePerspective(10, rotation=5.0), marks])(page)
    after = CapturePage([PagePerspective(10, rotation=5.0), PageShadow()])(marks(page))
    torch.testing.assert_close(together.as_tensor(), after.as_tensor(), atol=1e-2, rtol=0)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: GridColour((1, 2)), "colour"),
        (lambda: GridColour(strength=9), "strength"),
        (lambda: RandGridColour(colours=()), "colours"),
        (lambda: PaperColour((300, 0, 0)), "colour"),
        (lambda: RandPaperColour(yellow=2), "yellow"),
        (lambda: Handwriting((((0, 0),),)), "strokes"),
        (lambda: Handwriting((((0, 0), (np.nan, 1)),)), "strokes"),
        (lambda: Handwriting(width=0), "width"),
        (lambda: Handwriting(colour=(1, 2, 999)), "colour"),
        (lambda: RandHandwriting(colours=()), "colours"),
        (lambda: Stains((Stain("tea", 0, 0, 1),)), "kind"),
        (lambda: Stains((("ring", 0, 0, 0),)), "radius"),
        (lambda: RandStains(kinds=()), "kinds"),
    ],
)
def test_impossible_arguments_are_refused_by_name(make, name):
    with pytest.raises(ValueError, match=name):
        make()
