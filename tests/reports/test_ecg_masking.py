"""What is printed beside the traces cannot reach the classifier: it is shown the traces alone, drawn anew."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from scipy import ndimage

from cardiac_transforms.ecg.capture import RandCapturePage
from monai_jdl import bundles
from monai_jdl.data import write_page_image
from monai_jdl.phantoms import PageHeader, PageStyle, render_page, simulate_ecg

CASE = simulate_ecg(7, kind="ischaemic")
STYLE = PageStyle(dpi=110, text_size=4.0)
TELLING = PageHeader(
    header=("SYNTHETIC, Patient 0007", "ID: 1234567", "81 yr   Male"),
    measurement=("Vent. rate   75 BPM", "QRS duration   140 ms"),
    diagnosis=("*** ACUTE MI ***", "Anterior infarct, old", "Abnormal ECG"),
)
SILENT = PageHeader(header=("",) * TELLING.line_count)


@pytest.fixture(scope="module")
def classify():
    """The page bundle's way from a picture to its network's input ``[3, H, W]``, and on to the probabilities ``[2]``."""
    root = bundles.find("ecg_image_classification")
    config = ConfigParser()
    config.read_config(str(root / "configs" / "inference.yaml"))
    config["bundle_root"], config["device"] = str(root), "cpu"
    preprocessing, network = config.get_parsed_content("preprocessing"), config.get_parsed_content("network").eval()

    def run(path):
        page = torch.as_tensor(preprocessing({"image": str(path)})["image"])
        with torch.no_grad():
            return page.numpy(), network(page[None])[0].sigmoid().numpy()

    return run


def as_printed(image: np.ndarray) -> np.ndarray:
    return image


def photographed(image: np.ndarray) -> np.ndarray:
    camera = RandCapturePage(1.0, kinds=("phone",), severity=(0.3, 0.3)).set_random_state(5)
    picture = camera(torch.from_numpy(image.copy()).permute(2, 0, 1))
    return np.ascontiguousarray(picture.round().clamp(0, 255).byte().permute(1, 2, 0).numpy())


@pytest.mark.parametrize(("taken", "tolerance"), [(as_printed, 0.05), (photographed, 0.15)])
def test_printed_diagnosis_and_name_are_not_seen(tmp_path, classify, taken, tolerance):
    telling = render_page(CASE.signals, CASE.rate, style=STYLE, header=TELLING)
    silent = render_page(CASE.signals, CASE.rate, style=STYLE, header=SILENT)

    # the words are on the picture, away from the traces, and are all that differs
    words = [text for text in telling.texts if text.kind in ("header", "measurement", "diagnosis")]
    assert "*** ACUTE MI ***" in [text.text for text in words]
    place = np.zeros(silent.mask.shape, bool)
    for text in words:
        left, top, right, bottom = (round(edge) for edge in text.box)
        place[top - 1 : bottom + 2, left - 1 : right + 2] = True
    differs = (telling.image != silent.image).any(axis=-1)
    assert differs[place].sum() > 2000 and not differs[~place].any() and not silent.mask[place].any()

    found = []
    for name, page in (("telling", telling), ("silent", silent)):
        write_page_image(tmp_path / f"{name}.png", taken(page.image), STYLE.dpi)
        found.append(classify(tmp_path / f"{name}.png"))
    (page, probability), (page_silent, probability_silent) = found
    assert page_silent.mean() > 0.01  # of 1 for ink everywhere: traces were drawn
    # Traces are read a little apart, which a mean over 6 x 6 mm evens out; words printed on a page are 0.17 there.
    more = ndimage.uniform_filter(page - page_silent, (0, 12, 12))
    assert np.abs(more).max() < 0.06
    assert probability == pytest.approx(probability_silent, abs=tolerance)
