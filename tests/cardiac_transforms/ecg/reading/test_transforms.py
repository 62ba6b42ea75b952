"""Reading as MONAI transforms."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, DeleteItemsd

from cardiac_transforms.ecg import LAYOUTS
from cardiac_transforms.ecg.reading import (
    DigitizeECGPage,
    DigitizeECGPaged,
    RectifyECGPage,
    RectifyECGPaged,
    StandardizeECGPage,
    StandardizeECGPaged,
)
from tests.cardiac_transforms.ecg.reading.drawn_page import DrawnPage, draw_page, made_up_signals


@pytest.fixture(scope="module")
def drawn() -> DrawnPage:
    return draw_page(made_up_signals(), 500.0, LAYOUTS["3x4+1"], pixels_per_mm=5.0)


@pytest.fixture(scope="module")
def picture(drawn: DrawnPage) -> torch.Tensor:
    return torch.from_numpy(drawn.image.copy()).permute(2, 0, 1)


def test_followers_of_a_rectified_page(drawn: DrawnPage, picture: torch.Tensor) -> None:
    boxes = torch.tensor([box.box for box in drawn.boxes])
    mask = torch.zeros(1, *picture.shape[1:])
    x1, y1, x2, y2 = (round(v) for v in drawn.boxes[0].box)
    mask[0, y1:y2, x1:x2] = 1
    rectify = RectifyECGPaged(
        "image", boxes_key="boxes", mask_key="mask", pixels_per_mm_key="scale", points_key="points"
    )
    out = rectify(
        {"image": picture, "boxes": boxes, "mask": mask, "scale": torch.tensor([5.0, 5.0]), "points": boxes[:, :2]}
    )
    assert out["scale"].numpy() == pytest.approx(8.0, rel=0.01)
    widths = (out["boxes"][:, 2] - out["boxes"][:, 0]) / (boxes[:, 2] - boxes[:, 0])
    assert widths.numpy() == pytest.approx(8 / 5, rel=0.01)
    torch.testing.assert_close(out["points"], out["boxes"][:, :2], atol=1.5, rtol=0)
    y, x = np.nonzero(out["mask"][0].numpy() > 0.5)
    assert (x.min(), y.min(), x.max(), y.max()) == pytest.approx(out["boxes"][0].tolist(), abs=4)


@pytest.mark.parametrize("keep", ["all", "traces", "ink"])
def test_what_is_kept(drawn: DrawnPage, picture: torch.Tensor, keep: str) -> None:
    out = RectifyECGPage(keep)(picture)
    assert isinstance(out, MetaTensor) and out.dtype == torch.float32 and out.shape[0] == 3
    saturation = (out.amax(0) - out.amin(0))[100:-100, 100:-100]
    # the drawn grid is pink; ink on white has no colour
    assert (saturation.quantile(0.98) > 20) == (keep != "ink")


def test_arranged_page_is_the_same_for_every_layout(picture: torch.Tensor) -> None:
    standardize = StandardizeECGPage()
    other = draw_page(made_up_signals(), 500.0, LAYOUTS["6x2"], pixels_per_mm=6.0)
    pages = [
        StandardizeECGPaged("image")({"image": picture})["image"],
        standardize(torch.from_numpy(other.image.copy()).permute(2, 0, 1)),
    ]
    assert pages[0].shape == pages[1].shape == (3, 600, 500)
    # V1 to V6 begin 5 s into the record on one page and 2.5 or 7.5 s on the other; I to III show the same beats
    ink = [(page[0, :300, :250] < 128).float() for page in pages]
    blurred = torch.nn.functional.max_pool2d(ink[1][None], 5, 1, 2)[0]
    assert (ink[0] * blurred).sum() / ink[0].sum() > 0.9


def test_signals_of_array_and_dictionary_form(picture: torch.Tensor) -> None:
    signals = DigitizeECGPage()(picture)
    assert signals.shape == (12, 5000) and signals.meta["rate"] == 500
    out = Compose([DigitizeECGPaged("image"), DeleteItemsd("other")])({"image": picture, "other": 1})
    torch.testing.assert_close(out["image"].as_tensor(), signals.as_tensor(), equal_nan=True)
    truth = made_up_signals()[1]
    known = torch.isfinite(signals[1]).numpy()
    assert np.corrcoef(signals[1].numpy()[known], truth[: known.size][known])[0, 1] > 0.95


def test_grey_and_floating_pictures_are_read_alike(picture: torch.Tensor) -> None:
    grey = picture.float().mean(0, keepdim=True)
    out = StandardizeECGPage()(grey)
    assert out.shape == (1, 600, 500)
    colour = StandardizeECGPage()(picture.numpy().astype(np.float64))
    assert colour.dtype == torch.float64
    assert ((out[0] < 128) != (colour[0] < 128)).float().mean() < 0.03


@pytest.mark.parametrize("transform", [RectifyECGPage(), StandardizeECGPage(), DigitizeECGPage()])
def test_no_page_is_refused_with_the_reason(transform: object) -> None:
    with pytest.raises(ValueError, match="No millimetre grid was found"):
        transform(torch.full((3, 300, 400), 200.0))  # type: ignore[operator]


def test_missing_keys_and_wrong_arguments(picture: torch.Tensor) -> None:
    for form in (RectifyECGPaged, StandardizeECGPaged, DigitizeECGPaged):
        assert form("absent", allow_missing_keys=True)({"image": 1}) == {"image": 1}
        with pytest.raises(KeyError):
            form("absent")({"image": 1})
    with pytest.raises(ValueError, match="keep must be"):
        RectifyECGPage("grid")
    with pytest.raises(ValueError, match="pixels_per_mm must be above 0"):
        StandardizeECGPage(0)
    with pytest.raises(RuntimeError, match="has not been called"):
        RectifyECGPage().warp((10, 10))
    with pytest.raises(NotImplementedError, match="draws the leads anew"):
        StandardizeECGPage().warp((10, 10))
    assert len(pickle.dumps(RectifyECGPage())) < 2000
