"""Heat maps: the way from the canonical page back to the picture, and what Grad-CAM++ sees."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from monai.data import MetaTensor
from PIL import Image

from cardiac_transforms.ecg import LEADS, canonical_boxes, canonical_page
from cardiac_transforms.ecg.capture import RandCapturePage
from cardiac_transforms.ecg.reading import read_page
from monai_jdl.analysis import Temperature
from monai_jdl.data import write_page_image
from monai_jdl.networks import ECGClassifier, LeadwiseEncoder
from monai_jdl.phantoms import PageStyle, render_page, simulate_ecg
from monai_jdl.reports import Calibration, HeatMaps, draw_heat, heat_on_picture

CASE = simulate_ecg(3)
SCAR_ALONE = Calibration({"scar": Temperature(1.0)}, {"scar": {}})
PAGE = render_page(CASE.signals, CASE.rate, layout="3x4+1", style=PageStyle(dpi=120))


def tile(heat: np.ndarray, lead: str) -> np.ndarray:
    scale = heat.shape[1] / 125.0
    x1, y1, x2, y2 = (round(v + 0.5) for v in canonical_boxes(scale)[LEADS.index(lead)].box)
    return heat[y1:y2, x1:x2]


@pytest.fixture(scope="module")
def reading():
    return read_page(PAGE.image)


@pytest.mark.parametrize("lead", ["I", "aVF", "V2", "V6"])
def test_heat_of_a_lead_lies_on_that_lead(reading, lead):
    heat = np.zeros((300, 250), np.float32)
    tile(heat, lead)[:] = 1.0
    found = heat_on_picture(heat, reading, PAGE.image.shape[:2]) > 0.5
    (box,) = (box.box for box in PAGE.boxes if box.lead == lead and not box.rhythm)
    y, x = np.nonzero(found)
    assert (x.min(), x.max()) == pytest.approx((box[0], box[2]), abs=5)
    zero, half = 0.5 * (box[1] + box[3]), 12.5 * PAGE.pixels_per_mm
    assert (y.min(), y.max()) == pytest.approx((zero - half, zero + half), abs=5)


def test_a_moment_and_a_height_keep_their_place(reading):
    """A spot 1 s into V3, 0.5 mV above the line, and one of II, which is read from the strip."""
    for lead, rhythm in (("V3", False), ("II", True)):
        heat = np.zeros((600, 500), np.float32)
        tile(heat, lead)[50 - 20 - 2 : 50 - 20 + 3, 98:103] = 1.0
        found = heat_on_picture(heat, reading, PAGE.image.shape[:2])
        (box,) = (box.box for box in PAGE.boxes if box.lead == lead and box.rhythm == rhythm)
        y, x = (np.average(places, weights=found[found > 0]) for places in np.nonzero(found))
        assert x == pytest.approx(box[0] + 25 * PAGE.pixels_per_mm, abs=5)
        assert y == pytest.approx(0.5 * (box[1] + box[3]) - 5 * PAGE.pixels_per_mm, abs=4)


def test_heat_follows_a_photograph():
    picture = RandCapturePage(1.0, kinds=("phone",), severity=(0.3, 0.3)).set_random_state(5)
    image = picture(torch.from_numpy(PAGE.image.copy()).permute(2, 0, 1)).round().byte().permute(1, 2, 0).numpy()
    heat = np.zeros((300, 250), np.float32)
    tile(heat, "V2")[:] = 1.0
    size = (image.shape[0] // 2, image.shape[1] // 2)
    found = heat_on_picture(heat, read_page(image), size) > 0.5
    (box,) = (box.box for box in PAGE.boxes if box.lead == "V2" and not box.rhythm)
    truth = picture.warp(PAGE.image.shape[:2]).boxes(torch.tensor([box]))[0].numpy() / 2
    y, x = np.nonzero(found)
    assert (x.min(), x.max()) == pytest.approx((truth[0], truth[2]), abs=8)
    assert np.mean(y) == pytest.approx(0.5 * (truth[1] + truth[3]), abs=8)


def test_ink_stays_black_and_cold_paper_as_it_is():
    image = np.full((4, 4, 3), 200, np.uint8)
    image[0] = 0
    heat = np.zeros((4, 4))
    heat[:, 2:] = 1.0
    out = draw_heat(image, heat)
    assert (out[0] == 0).all() and (out[1:, :2] == 200).all()
    assert (out[1:, 2:, 0] > out[1:, 2:, 1]).all() and (out[1:, 2:] < 200).any()


def test_heat_tells_the_lead_that_speaks_from_one_with_as_much_ink():
    """A network to which ink in one lead alone speaks, though it looks at all leads alike."""

    class Mean(torch.nn.Module):
        def forward(self, leads):
            return leads.flatten(1).mean(1, keepdim=True)

    stem = torch.nn.Conv2d(1, 1, (80, 4), stride=(80, 4), bias=False)  # one answer for all of a tile's height
    torch.nn.init.ones_(stem.weight)
    net = ECGClassifier(LeadwiseEncoder(Mean(), stem), 12).eval()
    for head, lead in zip(net.heads, ("V2", "V5"), strict=True):
        torch.nn.init.zeros_(head.weight)
        head.weight.data[0, LEADS.index(lead)] = 1.0
    ink = torch.from_numpy(1 - canonical_page(CASE.signals, CASE.rate, 3.2)[:1] / 255.0).float()
    heat = HeatMaps("unused", net, "encoder.leads", SCAR_ALONE).heats({"image": ink})[0]
    assert heat.shape == (480, 400) and heat.max() == pytest.approx(1.0)
    assert tile(heat, "V2").sum() > 0.99 * heat.sum()
    lvef_alone = Calibration({"lvef50": Temperature(1.0)}, {"lvef50": {}})
    (heat,) = HeatMaps("unused", net, "encoder.leads", lvef_alone).heats({"image": ink})
    assert tile(heat, "V5").sum() > 0.99 * heat.sum()


def test_grad_cam_finds_the_ink_that_speaks_and_files_are_written(tmp_path):
    """A network for which ink anywhere speaks for scar, and an ECG of one lead."""
    convolution = torch.nn.Conv2d(3, 4, 5, stride=4, padding=2)
    torch.nn.init.constant_(convolution.weight, 0.1)
    torch.nn.init.zeros_(convolution.bias)
    encoder = torch.nn.Sequential(
        convolution, torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(4, 4)
    )
    net = ECGClassifier(encoder, 4).eval()
    for layer in (encoder[-1], *net.heads):
        torch.nn.init.constant_(layer.weight, 1.0)
    lead = "V2"
    signals = np.full_like(CASE.signals, np.nan)
    signals[LEADS.index(lead)] = CASE.signals[LEADS.index(lead)]
    maps = HeatMaps(tmp_path / "out", net, "encoder.0", SCAR_ALONE)
    write_page_image(tmp_path / "page.png", PAGE.image, 120)
    ink = torch.from_numpy(1 - canonical_page(signals, CASE.rate, 2.0) / 255.0).float()
    meta = {"filename_or_obj": str(tmp_path / "page.png"), "page": 0, "kind": "page"}
    items = [
        {"case": "p", "image": MetaTensor(ink, meta=meta)},
        {"case": "r", "image": MetaTensor(ink, meta=meta | {"kind": "record"})},
    ]
    heat = maps.heats(items[0])[0]
    assert heat.shape == (300, 250) and heat.max() == pytest.approx(1.0) and heat.min() >= 0
    assert tile(heat, lead).sum() > 0.9 * heat.sum()
    engine = Engine(lambda engine, batch: None)
    engine.state.device = torch.device("cpu")
    maps.attach(engine)
    engine.run([items])
    names = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.jpg"))
    assert names == ["p/p_scar.jpg", "r/r_scar.jpg"]  # none of a head that was not trained
    height, width = PAGE.image.shape[:2]
    with Image.open(tmp_path / "out/p/p_scar.jpg") as picture:
        assert picture.width == width and 10 < picture.height - height < 0.05 * height  # one line below the page
        strip = np.asarray(picture.convert("L"))[height + 4 :]
    written = (strip > 128).any(axis=0)
    assert 0.1 * width < np.flatnonzero(written).max() < width - 10
    maps.calibration = replace(SCAR_ALONE, trained_on={"scar": "simulated ECGs only"})
    engine.run([items])
    with Image.open(tmp_path / "out/p/p_scar.jpg") as picture:
        longer = (np.asarray(picture.convert("L"))[height + 4 :] > 128).any(axis=0)
    assert np.flatnonzero(longer).max() > 2 * np.flatnonzero(written).max()  # it says what it was trained on, too
