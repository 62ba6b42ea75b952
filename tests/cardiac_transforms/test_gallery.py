"""The galleries are true: they show every public transform, and what they say runs and gives the pictures beside it."""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from monai.bundle import ConfigParser
from monai.data import MetaTensor
from monai.transforms import MapTransform, RandomizableTransform, Transform
from PIL import Image

import cardiac_transforms.mri as mri
from cardiac_transforms.ecg import capture, reading, signals
from cardiac_transforms.image_transform import ImageTransform

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
try:
    from gallery_ecg import FROM_LEADS, FROM_PHOTOGRAPH
    from gallery_ecg import GALLERY as ECG
    from gallery_examples import Gallery, run
    from gallery_mri import GALLERY as MRI
finally:
    sys.path.remove(str(ROOT / "scripts"))

GALLERIES = {"mri": MRI, "ecg": ECG}
EXAMPLES = {key: gallery.examples() for key, gallery in GALLERIES.items()}
TEXTS = {key: gallery.document.read_text(encoding="utf-8") for key, gallery in GALLERIES.items()}


def examples(*keys: str):
    """Gallery and name of each example; reading a page takes seconds."""
    return pytest.mark.parametrize(
        ("key", "name"),
        [
            pytest.param(key, name, marks=pytest.mark.slow if name in FROM_PHOTOGRAPH else ())
            for key in keys
            for name in EXAMPLES[key]
        ],
    )


@cache
def subject(key: str) -> dict:
    return GALLERIES[key].subject()


@cache
def result(key: str, name: str) -> dict:
    """All names after an example was run once."""
    return run(EXAMPLES[key][name][0], subject(key))


def subject_of(name: str) -> str:
    """What the example of an ECG transform works on."""
    return "photograph" if name in FROM_PHOTOGRAPH else "leads" if name in FROM_LEADS else "page"


def pictures_of(out) -> list[torch.Tensor]:
    return list(out.values()) if isinstance(out, dict) else [out]


def test_every_public_mr_transform_is_shown():
    public = {n for n in mri.__all__ if isinstance(getattr(mri, n), type)}
    assert {n for n in public if issubclass(getattr(mri, n), ImageTransform)} == set(EXAMPLES["mri"])
    named = {n for pair in re.findall(r"`(\w+)`|mri\.(\w+)", TEXTS["mri"]) for n in pair}
    # the four forms are explained once: the name of the family stands for all of them
    families = {re.sub(r"^Rand(?=[A-Z])|(d|D|Dict)$", "", n) for n in public}
    assert families - set(EXAMPLES["mri"]) <= {n.removesuffix("d") for n in named}


def test_every_public_transform_of_pages_is_shown():
    public = {n: getattr(module, n) for module in (capture, reading, signals) for n in module.__all__}
    transforms = {n: c for n, c in public.items() if isinstance(c, type) and issubclass(c, Transform)}
    # what is neither a dictionary form nor random names its family
    families = {n for n, c in transforms.items() if not issubclass(c, MapTransform | RandomizableTransform)}
    assert families == set(EXAMPLES["ecg"])
    assert set(FROM_PHOTOGRAPH) == families & set(reading.__all__)
    assert set(FROM_LEADS) == families & set(signals.__all__)
    named = set(re.findall(r"\b\w+\b", TEXTS["ecg"]))
    assert set(capture.__all__) - set(transforms) <= named


@examples("mri", "ecg")
def test_the_python_example_changes_the_image_and_gives_the_same_each_time(key, name):
    code, after = EXAMPLES[key][name][0], result(key, name)
    assert re.search(rf"\b(mri|capture|reading|signals)\.(Rand)?{name}\(", code)
    before = after["image" if key == "mri" else subject_of(name)]
    for picture in pictures_of(after["out"]):
        assert picture.dtype == torch.float32
        # where nothing is printed there is no signal
        assert torch.isfinite(picture).all() or (len(picture) == 12 and torch.isfinite(picture).any())
        if picture.shape == before.shape:
            assert not torch.allclose(before.float(), picture)
        else:
            assert key == "ecg"
    again = run(code, subject(key))["out"]
    for picture, repeated in zip(pictures_of(after["out"]), pictures_of(again), strict=True):
        torch.testing.assert_close(picture, repeated, equal_nan=True)


@examples("mri")
def test_the_yaml_example_of_mr_runs_in_a_bundle(key, name):
    (entry,) = yaml.safe_load(EXAMPLES[key][name][1])
    random_or_not = f"Rand{name}d" if hasattr(mri, f"Rand{name}d") else f"{name}d"
    assert entry["_target_"] == f"cardiac_transforms.mri.{random_or_not}"
    out = in_bundle(entry, {k: subject(key)[k][..., 3:6] for k in ("image", "label")})
    assert isinstance(out["image"], MetaTensor) and out["image"].shape == subject(key)["image"][..., 3:6].shape


@examples("ecg")
def test_the_yaml_example_of_pages_runs_in_a_bundle(key, name):
    (entry,) = yaml.safe_load(EXAMPLES[key][name][1])
    if name in FROM_PHOTOGRAPH:
        assert entry["_target_"] == f"cardiac_transforms.ecg.reading.{name}d"
        out = in_bundle(entry, {"image": subject(key)["photograph"]})
        torch.testing.assert_close(out["image"], result(key, name)["out"], equal_nan=True)
        return
    if name in FROM_LEADS:
        random_or_not = f"Rand{name}d" if hasattr(signals, f"Rand{name}d") else f"{name}d"
        assert entry["_target_"] == f"cardiac_transforms.ecg.signals.{random_or_not}"
        assert in_bundle(entry, {"image": subject(key)["leads"]})["image"].shape == result(key, name)["out"].shape
        return
    assert entry["_target_"] == f"cardiac_transforms.ecg.capture.Rand{name}d"
    data = {"image": subject(key)["page"], "boxes": subject(key)["boxes"], "points": subject(key)["points"]}
    out = in_bundle(entry, data)
    height, width = out["image"].shape[1:]
    assert out["image"].min() >= 0 and out["image"].max() <= 255
    assert out["image"].shape != data["image"].shape or not torch.equal(out["image"], data["image"].float())
    assert ("boxes_key" in entry) == (not torch.equal(out["boxes"], data["boxes"]))
    # the middle of the leads is in the picture
    assert ((out["boxes"][:, :2] + out["boxes"][:, 2:]) / 2 < torch.tensor([width, height])).all()


def in_bundle(entry: dict, data: dict) -> dict:
    transform = ConfigParser({"t": entry}).get_parsed_content("t")
    if hasattr(transform, "set_random_state"):
        transform.transform.prob = 1.0
        transform.set_random_state(0)
    return transform(data)


@examples("mri", "ecg")
def test_the_picture_stands_in_the_section_and_is_small(key, name):
    gallery = GALLERIES[key]
    assert f"### {name}\n" in TEXTS[key] and f"![{name}]({gallery.pictures.format(name)})" in TEXTS[key]
    assert gallery.picture(name).stat().st_size <= 60_000


@pytest.mark.parametrize(("gallery", "limit"), [(MRI, 2_000_000), (ECG, 1_500_000)], ids=["mri", "ecg"])
def test_there_are_no_other_pictures_and_all_together_are_small(gallery: Gallery, limit):
    files = {file for file in gallery.picture("").parent.iterdir() if file.is_file()}
    assert files == {gallery.picture(name) for name in gallery.examples()}
    assert sum(file.stat().st_size for file in files) < limit


@pytest.mark.parametrize(
    ("key", "name"), [("mri", "Ghosting"), ("mri", "ThickSlices"), ("ecg", "PagePerspective"), ("ecg", "GridColour")]
)
def test_the_picture_is_what_the_script_draws(key, name, tmp_path):
    kept = GALLERIES[key].picture(name)
    drawn = tmp_path / kept.name
    GALLERIES[key].draw(name, result(key, name), drawn)
    kept, drawn = (np.asarray(Image.open(file).convert("RGB")).astype(int) for file in (kept, drawn))
    assert kept.shape == drawn.shape
    # fonts and rounding differ from one installation to the next; another picture would differ throughout
    assert np.abs(kept - drawn).mean() < 3


def test_the_first_example_of_mr_reads_the_severity():
    image = MetaTensor(torch.rand(1, 32, 32, 2), affine=torch.diag(torch.tensor([1.5, 1.5, 8, 1.0])))
    names = {"image": image}
    for seed in range(20):
        exec(first_example("mri").replace("seed=0", f"seed={seed}"), names)
        assert torch.equal(names["moved"], names["again"])
        assert 0.5 <= names["severity"] <= 4 or (names["severity"] == 0 and torch.equal(names["moved"], image))


def test_the_first_example_of_pages_moves_the_boxes_and_reads_the_severity():
    names = run(first_example("ecg"), subject("ecg"))
    assert names["kind"] in capture.CAPTURE_KINDS and 0 < names["severity"] <= 1
    moved = names["out"]
    height, width = moved["image"].shape[1:]
    assert not torch.equal(moved["boxes"], names["boxes"])
    strip, points = moved["boxes"][-1], moved["points"]
    assert ((points >= strip[:2] - 1) & (points <= strip[2:] + 1)).all()
    assert ((points.mean(0) > 0) & (points.mean(0) < torch.tensor([width, height]))).all()


def first_example(key: str) -> str:
    return re.search(r"^```python\n(.*?)^```", TEXTS[key], re.MULTILINE | re.DOTALL)[1]
