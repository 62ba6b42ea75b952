"""Geometry: what is printed somewhere is found where the warp says, whatever bends the page."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cardiac_transforms.ecg.capture import (
    CapturePage,
    PageCrumple,
    PageCurl,
    PageFold,
    PagePerspective,
    RandPageCrumple,
    RandPageCurl,
    RandPageFold,
    RandPagePerspective,
)
from cardiac_transforms.ecg.capture.surface import Bend, Ridge, Surface

from .pages import centroid, dotted, gridded, plain

SIZE = (240, 300)
DOTS = torch.tensor([[x + 0.3, y + 0.6] for x in (40, 110, 149, 205, 260) for y in (35, 80, 119, 160, 200)]).double()
PAGE = dotted(DOTS, *SIZE)
NO_SHADING = {"elevation": 90.0}

poses = st.builds(
    PagePerspective,
    tilt=st.floats(0, 35),
    toward=st.floats(-180, 180),
    rotation=st.one_of(st.floats(-12, 12), st.sampled_from([90.0, 180.0, 270.0, -97.0])),
    distance=st.floats(1.3, 4),
    fill=st.floats(0.9, 1.1),
    shift=st.tuples(st.floats(-0.05, 0.05), st.floats(-0.05, 0.05)),
    scale=st.floats(0.8, 1.3),
)
curls = st.builds(PageCurl, st.floats(-40, 40), st.floats(-180, 180), st.floats(-0.3, 0.3), elevation=st.just(90.0))
folds = st.builds(
    PageFold,
    st.lists(st.tuples(st.floats(-180, 180), st.floats(-0.35, 0.35), st.floats(-10, 10)), min_size=1, max_size=3),
    elevation=st.just(90.0),
)
heights = st.floats(0.0005, 0.006)
ridge = st.builds(
    lambda x, y, direction, height, sign, length: (x, y, direction, sign * height, 8 * height, length),
    st.floats(-0.4, 0.4),
    st.floats(-0.4, 0.4),
    st.floats(-90, 90),
    heights,
    st.sampled_from([-1, 1]),
    st.floats(0.05, 0.3),
)
crumples = st.builds(PageCrumple, st.lists(ridge, min_size=1, max_size=6), elevation=st.just(90.0))


def check_that_dots_are_where_the_warp_says(effects) -> None:
    photograph = CapturePage(effects)
    picture, places = photograph(PAGE), photograph.warp(SIZE).points(DOTS)
    height, width = picture.shape[1:]
    seen = 0
    for place in places:
        if 12 < place[0] < width - 13 and 12 < place[1] < height - 13:
            assert (centroid(picture.as_tensor(), place) - place).norm() < 0.5
            seen += 1
    assert seen > len(DOTS) / 2


@settings(deadline=None, max_examples=15)
@given(pose=poses)
def test_dots_follow_the_camera(pose):
    check_that_dots_are_where_the_warp_says([pose])


@settings(deadline=None, max_examples=10)
@given(shape=st.one_of(curls, folds, crumples))
def test_dots_follow_every_bend(shape):
    check_that_dots_are_where_the_warp_says([shape])


@settings(deadline=None, max_examples=15)
@given(pose=poses, curl=curls, fold=folds, crumple=crumples)
def test_dots_follow_all_together(pose, curl, fold, crumple):
    effects = [pose, curl, fold, crumple]
    try:
        CapturePage(effects).warp(SIZE).backward()
    except ValueError:  # one part hides another
        assume(False)
    check_that_dots_are_where_the_warp_says(effects)


@settings(deadline=None, max_examples=15)
@given(pose=poses, curl=curls, fold=folds)
def test_the_way_back_leads_where_the_way_there_came_from(pose, curl, fold):
    warp = CapturePage([pose, curl, fold]).warp((1100, 850))
    back = warp.backward()
    height, width = warp.size
    assert back.shape == (height, width, 2)
    picked = torch.from_numpy(np.random.RandomState(0).randint(0, height * width, 4000))
    places, pixels = back.reshape(-1, 2)[picked].double(), torch.stack([picked % width, picked // width], 1)
    on_page = ((places > 0) & (places < torch.tensor([849.0, 1099.0]))).all(1)
    error = (warp.forward(places) - pixels)[on_page].norm(dim=1)
    assert error.max() < 0.6 and error.median() < 0.05  # the largest lie in the creases


def test_the_way_back_of_a_usual_photograph_is_exact_to_a_quarter_of_a_pixel():
    effects = [
        PagePerspective(20, -70, 4, 2.0, 0.97),
        PageCurl(25, 10),
        PageFold(((0.0, 0.05, 8.0), (90.0, -0.1, -6.0))),
        PageCrumple(((0.2, 0.1, 30.0, 0.005, 0.04, 0.15),)),
    ]
    warp = CapturePage(effects).warp((1100, 850))
    back = warp.backward().reshape(-1, 2)
    there = warp.forward(back.double())
    pixels = torch.stack(torch.meshgrid(torch.arange(850), torch.arange(1100), indexing="xy"), -1).reshape(-1, 2)
    on_page = ((back > 0) & (back < torch.tensor([849.0, 1099.0]))).all(1)
    assert (there - pixels)[on_page].norm(dim=1).max() < 0.25


@pytest.mark.parametrize(
    "effect",
    [
        PagePerspective(0, 0, 0, fill=None),
        PagePerspective(0, 0, 0, fill=1.0),
        PageCurl(0.0),
        PageFold(((0.0, 0.1, 0.0),)),
        PageFold(()),
        PageCrumple(((0, 0, 0, 0.0, 0.04, 0.1),)),
        RandPagePerspective(1.0, 0, 0, fill=(1, 1), shift=0).set_random_state(0),
        RandPageCurl(1.0, 0).set_random_state(0),
        RandPageFold(1.0, (0, 0)).set_random_state(0),
        RandPageCrumple(1.0, height=(0, 0)).set_random_state(0),
    ],
)
def test_no_angle_is_the_identity(effect):
    page = gridded(240, 300)
    torch.testing.assert_close(effect(page).as_tensor(), page, atol=0.05, rtol=0)
    boxes = torch.tensor([[10.0, 20.0, 50.0, 90.0]])
    torch.testing.assert_close(effect.warp((240, 300)).boxes(boxes), boxes, atol=1e-3, rtol=0)


@settings(deadline=None, max_examples=25)
@given(pose=poses)
def test_a_flat_page_is_seen_by_a_homography_so_straight_lines_stay_straight(pose):
    warp = pose.warp((1100, 850))
    corners = torch.tensor([[0, 0], [849, 0], [849, 1099], [0, 1099]], dtype=torch.float64)
    rows = []
    for (x, y), (u, v) in zip(corners.tolist(), warp.forward(corners).tolist(), strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y, u], [0, 0, 0, x, y, 1, -v * x, -v * y, v]]
    system = np.array(rows)
    matrix = np.append(np.linalg.solve(system[:, :8], system[:, 8]), 1).reshape(3, 3)
    points = np.random.RandomState(0).uniform(0, (849, 1099), (50, 2))
    projected = np.c_[points, np.ones(50)] @ matrix.T
    np.testing.assert_allclose(warp.points(points), projected[:, :2] / projected[:, 2:], atol=1e-6)


def test_the_camera_turns_clockwise_and_the_far_side_is_smaller():
    size = (201, 201)
    right = torch.tensor([[150.0, 100.0]])
    turned = PagePerspective(0, rotation=10.0, fill=None).warp(size).points(right)[0]
    torch.testing.assert_close(
        turned, torch.tensor([100 + 50 * math.cos(math.radians(10)), 100 + 50 * math.sin(math.radians(10))])
    )
    tilt, distance = math.radians(30), 2.0
    below = (
        PagePerspective(30, toward=90.0, distance=distance, fill=None).warp(size).points(torch.tensor([[100.0, 150.0]]))
    )
    length = 50 / 201
    expected = 201 * length * math.cos(tilt) * distance / (distance + length * math.sin(tilt))
    torch.testing.assert_close(below[0], torch.tensor([100.0, 100 + expected]))


@settings(deadline=None, max_examples=15)
@given(
    pose=poses,
    curl=curls,
    box=st.tuples(st.integers(20, 120), st.integers(20, 100), st.integers(40, 150), st.integers(20, 100)),
)
def test_a_box_is_the_hull_of_what_was_in_it(pose, curl, box):
    left, top, wide, high = box
    edges = torch.tensor([left, top, left + wide, top + high], dtype=torch.float64)
    photograph = CapturePage([pose, curl])
    warp = photograph.warp(SIZE)
    mask = torch.zeros(1, *SIZE, dtype=torch.uint8)
    mask[:, top : top + high + 1, left : left + wide + 1] = 7
    moved = warp.mask(mask)
    assert moved.dtype == torch.uint8 and moved.shape[1:] == warp.size and set(moved.unique().tolist()) <= {0, 7}
    found = warp.boxes(edges[None])[0]
    rows, columns = moved[0].nonzero().T
    height, width = warp.size
    assume(found[0] > 1 and found[1] > 1 and found[2] < width - 2 and found[3] < height - 2)
    seen = torch.stack([columns.min(), rows.min(), columns.max(), rows.max()])
    assert (seen - found).abs().max() < 2.0


@settings(deadline=None, max_examples=15)
@given(pose=poses, curl=curls)
def test_pixels_per_mm_is_the_spacing_of_marks_at_the_centre(pose, curl):
    height, width, pitch = 241, 301, 20.0  # one pixel at the very centre; a mark every 5 mm at 4 pixels per mm
    centre = torch.tensor([150.0, 120.0], dtype=torch.float64)
    marks = centre + pitch * torch.tensor([[-1, 0], [1, 0], [0, -1], [0, 1]])
    photograph = CapturePage([pose, curl])
    warp = photograph.warp((height, width))
    places = warp.points(marks)
    size = torch.tensor(warp.size[::-1])
    assume(bool(((places > 12) & (places < size - 13)).all()))
    picture = photograph(dotted(marks, height, width)).as_tensor()
    seen = torch.stack([centroid(picture, place) for place in places])
    along_x, along_y = (seen[1] - seen[0], seen[3] - seen[2])
    spacing = [float(along_x.norm()), float(along_y.norm())]
    if abs(along_x[0]) < abs(along_x[1]):
        spacing.reverse()
    pixels_per_mm = warp.pixels_per_mm(torch.tensor([4.0, 4.0]))
    np.testing.assert_allclose(pixels_per_mm * 10, spacing, rtol=0.02)


def test_pixels_per_mm_of_a_quarter_turn_changes_places():
    warp = PagePerspective(0, rotation=90.0).warp((100, 200))
    assert warp.size == (200, 100)
    np.testing.assert_allclose(warp.pixels_per_mm(np.array([4.0, 8.0])), [8, 4])


@settings(deadline=None, max_examples=25)
@given(
    direction=st.floats(-180, 180), position=st.floats(-0.3, 0.3), turn=st.floats(-80, 80), width=st.floats(0.002, 0.6)
)
def test_bending_keeps_lengths_on_the_paper(direction, position, turn, width):
    surface = Surface([Bend(direction, position, turn, width)], (1.0, 1.0))
    angle = math.radians(direction)
    across = torch.linspace(-0.5, 0.5, 4001, dtype=torch.float64)[:, None] * torch.tensor(
        [[math.cos(angle), math.sin(angle)]], dtype=torch.float64
    )
    space = torch.cat([across, torch.zeros(4001, 1)], 1) + surface.displacement(across)
    assert float((space[1:] - space[:-1]).norm(dim=1).sum()) == pytest.approx(1.0, abs=2e-4)


def test_a_fold_has_two_flat_sides_at_its_angle_and_the_slopes_are_those_of_the_heights():
    surface = Surface([Bend(0.0, 0.0, 20.0, 0.01)], (1.0, 1.0))
    points = torch.tensor([[-0.4, 0.1], [0.3, -0.2]], dtype=torch.float64)
    torch.testing.assert_close(
        surface.slopes(points)[:, 0], torch.tensor([-1.0, 1.0]).double() * math.tan(math.radians(10))
    )
    ridges = Surface([Ridge(0.1, 0.0, 30.0, 0.01, 0.05, 0.2), Ridge(-0.2, 0.1, -70.0, -0.02, 0.1, 0.1)], (1.0, 1.0))
    places = torch.from_numpy(np.random.RandomState(0).uniform(-0.4, 0.4, (50, 2)))
    for axis in range(2):
        step = torch.zeros(1, 2, dtype=torch.float64)
        step[0, axis] = 1e-6
        rise = (ridges.displacement(places + step) - ridges.displacement(places - step))[:, 2] / 2e-6
        torch.testing.assert_close(ridges.slopes(places)[:, axis], rise, atol=1e-6, rtol=1e-5)


def test_a_page_that_hides_itself_is_refused():
    with pytest.raises(ValueError, match="hides another"):
        CapturePage([PagePerspective(60, 0, distance=1.0), PageCurl(90.0, 0.0)])(plain(240, 300))


def test_the_desk_is_seen_around_a_small_page_and_nothing_of_it_around_a_large_one():
    desk = (10.0, 20.0, 30.0)
    small = PagePerspective(0, fill=0.5, desk=desk, grain=0.0)(plain(96, 128)).as_tensor()
    torch.testing.assert_close(small[:, 0, 0], torch.tensor(desk))
    torch.testing.assert_close(small[:, 48, 64], torch.full((3,), 255.0))
    assert float((small > 128).float().mean()) == pytest.approx(0.25, abs=0.01)
    large = PagePerspective(0, fill=1.5, desk=desk)(plain(96, 128)).as_tensor()
    torch.testing.assert_close(large, plain(96, 128))


def test_a_much_smaller_picture_averages_the_page():
    stripes = plain(256, 256, 0.0)
    stripes[:, :, ::2] = 255
    picture = PagePerspective(0, scale=0.25)(stripes).as_tensor()
    assert picture.shape == (3, 64, 64) and (picture - 127.5).abs().max() < 1


def test_points_of_nothing_and_unknown_points_stay_what_they_are():
    warp = CapturePage([PagePerspective(), PageFold()]).warp(SIZE)
    assert warp.points(np.zeros((0, 2))).shape == (0, 2) and warp.boxes(torch.zeros(0, 4)).shape == (0, 4)
    moved = warp.points(np.array([[np.nan, 3.0], [5.0, 6.0]], dtype=np.float32))
    assert moved.dtype == np.float32 and np.isnan(moved[0]).any() and np.isfinite(moved[1]).all()


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: PagePerspective(tilt=70), "tilt"),
        (lambda: PagePerspective(distance=0.5), "distance"),
        (lambda: PagePerspective(fill=0), "fill"),
        (lambda: PagePerspective(scale=100), "scale"),
        (lambda: PagePerspective(rotation=float("nan")), "rotation"),
        (lambda: PagePerspective(grain=1), "grain"),
        (lambda: RandPagePerspective(turns=(4,)), "turns"),
        (lambda: RandPagePerspective(turns=()), "turns"),
        (lambda: PageCurl(turn=100), "turn"),
        (lambda: PageCurl(elevation=0), "elevation"),
        (lambda: PageFold(((0, 0, 90),)), "folds"),
        (lambda: PageFold(width=0), "width"),
        (lambda: PageCrumple(((0, 0, 0, 0.1, 0, 0.1),)), "ridges"),
    ],
)
def test_impossible_arguments_are_refused_by_name(make, name):
    with pytest.raises(ValueError, match=name):
        make()
