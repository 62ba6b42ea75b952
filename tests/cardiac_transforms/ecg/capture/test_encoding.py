"""Files: JPEG, fewer pixels, grey and black-and-white."""

from __future__ import annotations

import pytest
import torch

from cardiac_transforms.ecg.capture import (
    BlackAndWhiteScan,
    CapturePage,
    GreyScan,
    JPEGCompression,
    LowResolution,
    RandBlackAndWhiteScan,
    RandGreyScan,
    RandJPEGCompression,
    RandLowResolution,
    UnevenLight,
)

from .pages import gridded, plain


def test_the_best_jpeg_is_nearly_the_page_and_worse_ones_differ_more():
    page = gridded(200, 240)
    errors = [
        float((JPEGCompression(quality, subsampling=False)(page).as_tensor() - page).abs().mean())
        for quality in (100, 90, 60, 20)
    ]
    assert errors[0] < 0.5 and errors == sorted(errors) and errors[-1] > 3
    best = JPEGCompression(100, subsampling=False)(page).as_tensor()
    assert (best - page).abs().max() <= 4


def test_subsampling_costs_colour_only():
    page = gridded(200, 240)
    full, half = (JPEGCompression(98, subsampling=s)(page).as_tensor() for s in (False, True))
    luma = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
    colour_error = (half - page).abs().mean() - (full - page).abs().mean()
    luma_error = ((half - page) * luma).sum(0).abs().mean() - ((full - page) * luma).sum(0).abs().mean()
    assert colour_error > 1 and luma_error < 0.4 * colour_error


def test_grey_pages_go_through_files_too():
    page = gridded()[:1]
    assert JPEGCompression(95)(page).shape == page.shape
    assert set(BlackAndWhiteScan()(page).unique().tolist()) == {0.0, 255.0}


def test_a_global_threshold_gives_black_below_it_and_white_from_it_on():
    ramp = torch.arange(256).float().expand(3, 20, 256)
    picture = BlackAndWhiteScan("global", threshold=100)(ramp).as_tensor()
    assert torch.equal(picture, torch.where(ramp < 100, 0.0, 255.0))


def test_a_local_threshold_finds_the_trace_in_uneven_light_where_a_global_one_fails():
    page = gridded(240, 320)
    light = UnevenLight(0.0, strength=0.6, vignette=0.0, exposure=1.0)
    trace = page.mean(0) < 50
    scores = {}
    for method in ("global", "local"):
        black = CapturePage([light, BlackAndWhiteScan(method, 150, 85, 12)])(page).as_tensor()[0] == 0
        scores[method] = float((black & trace).sum() / (black | trace).sum())
    assert scores["local"] > 0.95 > 0.5 > scores["global"]


def test_a_grey_scan_has_equal_channels_and_its_contrast():
    page = plain(20, 20, 200.0)
    page[:, 5:] = torch.tensor([250.0, 150.0, 150.0])[:, None, None]
    grey = GreyScan()(page).as_tensor()
    assert torch.equal(grey[0], grey[1]) and torch.equal(grey[1], grey[2])
    assert float(grey[0, 10, 10]) == pytest.approx(0.299 * 250 + 0.701 * 150, abs=1)
    spread = GreyScan(contrast=2.0, white=240)(page).as_tensor()
    assert float(spread[0, 0, 0]) == 255 - 2 * 40
    assert float(GreyScan(contrast=2.0, white=190)(page)[0, 0, 0]) == 255


def test_fewer_pixels_keep_the_mean_and_lose_detail():
    stripes = plain(64, 64, 0.0)
    stripes[:, :, ::2] = 200
    blurred = LowResolution(0.25)(stripes).as_tensor()
    assert blurred.shape == stripes.shape and (blurred - 100).abs().max() <= 1
    page = gridded()
    assert torch.equal(LowResolution(1.0)(page).as_tensor(), page)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: JPEGCompression(0), "quality"),
        (lambda: RandJPEGCompression(quality=(0, 50)), "quality"),
        (lambda: LowResolution(0), "scale"),
        (lambda: RandLowResolution(scale=(0.5, 2)), "scale"),
        (lambda: GreyScan(0), "contrast"),
        (lambda: GreyScan(1, 300), "white"),
        (lambda: RandGreyScan(white=(0, 255)), "white"),
        (lambda: BlackAndWhiteScan("other"), "method"),
        (lambda: BlackAndWhiteScan(threshold=300), "threshold"),
        (lambda: BlackAndWhiteScan(offset=0), "offset"),
        (lambda: RandBlackAndWhiteScan(methods=()), "methods"),
    ],
)
def test_impossible_arguments_are_refused_by_name(make, name):
    with pytest.raises(ValueError, match=name):
        make()
