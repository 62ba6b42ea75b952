"""Whole captures: effects composed in physical order, and the kinds that are drawn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiac_transforms.ecg.capture import (
    CAPTURE_KINDS,
    BlackAndWhiteScan,
    CapturePage,
    GridColour,
    JPEGCompression,
    Moire,
    PageBlur,
    PageCurl,
    PageFold,
    PagePerspective,
    PageShadow,
    RandCapturePage,
    RandCapturePaged,
    RandPageFold,
    SensorNoise,
)

from .pages import centroid, dotted, gridded, plain

kinds = pytest.mark.parametrize("kind", CAPTURE_KINDS)


def test_effects_act_in_physical_order_whatever_order_they_are_given_in():
    effects = [
        JPEGCompression(80),
        SensorNoise(seed=3),
        PageBlur(0.8),
        PageShadow(),
        PageFold(),
        PagePerspective(),
        GridColour(),
        Moire(),
    ]
    page = gridded()
    moved = [effects[i] for i in (6, 1, 7, 0, 5, 4, 3, 2)]  # noise before moire, as given
    torch.testing.assert_close(CapturePage(effects)(page), CapturePage(moved)(page))


def test_a_capture_is_its_stages_one_after_the_other():
    page = gridded(200, 260)
    stages = [
        GridColour(),
        PagePerspective(15, 40.0, 3.0),
        PageShadow(),
        PageBlur(1.0),
        SensorNoise(),
        JPEGCompression(85),
    ]
    one_by_one: torch.Tensor = page
    for stage in stages:
        one_by_one = stage(one_by_one)
    together = CapturePage(stages)(page)
    torch.testing.assert_close(together.as_tensor(), one_by_one.as_tensor(), atol=1.01, rtol=0)


def test_geometry_is_one_resampling_and_so_sharper_than_several():
    page = gridded(200, 260, pitch=4)
    tilted, curled = PagePerspective(5, 0, 2.0), PageCurl(5.0, elevation=90.0)
    together = CapturePage([tilted, curled])(page).as_tensor()
    twice = tilted(curled(page)).as_tensor()
    inside = (slice(None), slice(40, 160), slice(40, 220))
    assert together[inside].std() > 1.02 * twice[inside].std()


def test_two_cameras_and_random_effects_are_refused():
    with pytest.raises(ValueError, match="one camera"):
        CapturePage([PagePerspective(), PagePerspective()])
    with pytest.raises(TypeError, match="RandPageFold"):
        CapturePage([RandPageFold()])
    with pytest.raises(ValueError, match="kinds"):
        RandCapturePage(kinds=("fax",))
    for weights in ((1.0,), (-1.0, 2.0), (0.0, 0.0)):
        with pytest.raises(ValueError, match="weights"):
            RandCapturePage(kinds=("scan", "phone"), weights=weights)
    with pytest.raises(ValueError, match="severity"):
        RandCapturePage(severity=2)


@kinds
def test_dots_boxes_and_calibration_follow_a_drawn_capture(kind):
    size = (320, 420)
    dots = torch.tensor([[x, y] for x in (80.0, 210.0, 330.0) for y in (70.0, 160.0, 250.0)])
    page = dotted(dots, *size, sigma=3.0)
    data = {
        "image": page,
        "points": dots.numpy(),
        "boxes": torch.cat([dots - 9, dots + 9], 1),
        "mask": (page[:1] < 128).to(torch.uint8),
        "scale": np.array([4.0, 4.0]),
    }
    keys = {"points_key": "points", "boxes_key": "boxes", "mask_key": "mask", "pixels_per_mm_key": "scale"}
    seen = 0
    for seed in range(6):
        photograph = RandCapturePaged("image", 1.0, (kind,), (0.3, 0.6), **keys).set_random_state(seed)
        out = photograph(data)
        picture = out["image"].as_tensor()
        assert out["mask"].shape == (1, *picture.shape[1:]) and out["mask"].dtype == torch.uint8
        assert isinstance(out["points"], np.ndarray) and 1.5 < out["scale"].min() <= out["scale"].max() < 5
        height, width = picture.shape[1:]
        for place, box in zip(out["points"], out["boxes"], strict=True):
            assert box[0] < place[0] < box[2] and box[1] < place[1] < box[3]
            if not (15 < place[0] < width - 16 and 15 < place[1] < height - 16):
                continue
            if kind in ("scan", "bw_scan"):  # elsewhere shadows, strokes and stains draw the centre of the ink
                assert (centroid(picture, torch.as_tensor(place), 10) - torch.as_tensor(place)).norm() < 1.0
            assert out["mask"][0, round(float(place[1])), round(float(place[0]))] == 1
            seen += 1
    assert seen > 30
    assert data["points"] is not out["points"] and np.array_equal(data["points"], dots)


@kinds
def test_no_severity_leaves_geometry_and_light_alone(kind):
    page = gridded(240, 300)
    random = RandCapturePage(1.0, (kind,), (0, 0))
    points = torch.tensor([[10.0, 20.0], [200.0, 222.0]])
    for seed in range(4):
        random.set_random_state(seed)(page)
        torch.testing.assert_close(random.warp((240, 300)).points(points), points, atol=0.01, rtol=0)
    white = random.set_random_state(1)(plain(240, 300))
    assert white.float().median() > 250


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    height=st.integers(40, 150),
    width=st.integers(40, 150),
    channels=st.sampled_from([1, 3]),
)
def test_any_page_and_seed_give_a_picture_within_0_to_255(seed, height, width, channels):
    page = gridded(height, width)[:channels]
    before = page.clone()
    random = RandCapturePage(1.0, severity=(0, 1)).set_random_state(seed)
    picture = random(page)
    assert torch.isfinite(picture).all() and 0 <= picture.min() and picture.max() <= 255
    assert picture.shape[0] == channels and tuple(picture.shape[1:]) == random.warp((height, width)).size
    assert torch.equal(page, before)


def test_the_kinds_do_what_their_names_say():
    page = gridded(240, 300)
    black = RandCapturePage(1.0, ("bw_scan",)).set_random_state(0)(page)
    assert set(black.unique().tolist()) <= {0.0, 255.0}
    draws = {kind: RandCapturePage(1.0, (kind,), (0.9, 1)).set_random_state(0) for kind in CAPTURE_KINDS}
    effects = {}
    for kind, random in draws.items():
        random.randomize(page)
        effects[kind] = {type(e).__name__ for e in random.drawn.effects}
    assert "Moire" in effects["screen"] and "Stains" in effects["stained"]
    assert {"PageFold", "PageCrumple"} & effects["crumpled"] and BlackAndWhiteScan.__name__ in effects["bw_scan"]
    assert all("PagePerspective" in found for found in effects.values())


def test_kind_and_severity_are_recorded_and_weights_choose():
    page = gridded()
    random = RandCapturePage(1.0, ("scan", "phone"), (0.2, 0.4), weights=(0, 1)).set_random_state(0)
    for _ in range(3):
        record = random(page).applied_operations[-1]["extra_info"]
        assert record["kind"] == "phone" and 0.2 <= record["severity"] <= 0.4
    record = RandCapturePage(0.0)(page).applied_operations[-1]["extra_info"]
    assert record["kind"] == "" and record["severity"] == 0
