"""transforms/README.md is true: it shows every public transform, and what it says runs and gives the pictures beside it."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from monai.bundle import ConfigParser
from monai.data import MetaTensor
from PIL import Image

import cardiac_transforms.mri as mri
from cardiac_transforms.image_transform import ImageTransform

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "transforms"
TEXT = (FOLDER / "README.md").read_text(encoding="utf-8")


def load_script():
    spec = importlib.util.spec_from_file_location("make_gallery", ROOT / "scripts" / "make_gallery.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


gallery = load_script()
EXAMPLES = gallery.examples(TEXT)
each_example = pytest.mark.parametrize("name", EXAMPLES)


@pytest.fixture(scope="module")
def patient():
    return gallery.patient()


def test_every_public_transform_is_shown():
    public = {n for n in mri.__all__ if isinstance(getattr(mri, n), type)}
    assert {n for n in public if issubclass(getattr(mri, n), ImageTransform)} == set(EXAMPLES)
    named = set(re.findall(r"`(\w+)`|mri\.(\w+)", TEXT))
    named = {n for pair in named for n in pair}
    # the four forms are explained once: the name of the family stands for all of them
    families = {re.sub(r"^Rand(?=[A-Z])|(d|D|Dict)$", "", n) for n in public}
    assert families - set(EXAMPLES) <= {n.removesuffix("d") for n in named}


@each_example
def test_the_python_example_changes_the_image_and_gives_the_same_each_time(name, patient):
    before, after = gallery.run(EXAMPLES[name][0], patient)
    assert after.shape == before.shape and torch.isfinite(after).all()
    assert not torch.allclose(before, after)
    assert f"mri.{name}(" in EXAMPLES[name][0]
    torch.testing.assert_close(gallery.run(EXAMPLES[name][0], patient)[1], after)


@each_example
def test_the_yaml_example_runs_in_a_bundle(name, patient):
    (entry,) = yaml.safe_load(EXAMPLES[name][1])
    random_or_not = f"Rand{name}d" if hasattr(mri, f"Rand{name}d") else f"{name}d"
    assert entry["_target_"] == f"cardiac_transforms.mri.{random_or_not}"
    transform = ConfigParser({"t": entry}).get_parsed_content("t")
    data = {"image": patient["image"][..., 3:6], "label": patient["label"][..., 3:6]}
    if hasattr(transform, "set_random_state"):
        transform.transform.prob = 1.0
        transform.set_random_state(0)
    out = transform(data)
    assert isinstance(out["image"], MetaTensor) and out["image"].shape == data["image"].shape


@each_example
def test_the_picture_stands_in_the_section_and_is_small(name):
    assert f"### {name}\n" in TEXT and f"![{name}](images/{name}.png)" in TEXT
    assert (FOLDER / "images" / f"{name}.png").stat().st_size <= 60_000


def test_there_are_no_other_pictures_and_all_together_are_small():
    files = list((FOLDER / "images").iterdir())
    assert {file.stem for file in files} == set(EXAMPLES)
    assert sum(file.stat().st_size for file in files) < 2_000_000


@pytest.mark.parametrize("name", ["Ghosting", "ThickSlices"])
def test_the_picture_is_what_the_script_draws(name, patient, tmp_path):
    gallery.draw(name, gallery.run(EXAMPLES[name][0], patient), patient["spacing"], tmp_path / "picture.png")
    kept, drawn = (
        np.asarray(Image.open(file).convert("RGB")).astype(int)
        for file in (FOLDER / "images" / f"{name}.png", tmp_path / "picture.png")
    )
    assert kept.shape == drawn.shape
    # fonts and rounding differ from one installation to the next; another picture would differ throughout
    assert np.abs(kept - drawn).mean() < 3


def test_the_first_example_reads_the_severity():
    code = re.search(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)[1]
    image = MetaTensor(torch.rand(1, 32, 32, 2), affine=torch.diag(torch.tensor([1.5, 1.5, 8, 1.0])))
    names = {"image": image}
    for seed in range(20):
        exec(code.replace("seed=0", f"seed={seed}"), names)
        assert torch.equal(names["moved"], names["again"])
        assert 0.5 <= names["severity"] <= 4 or (names["severity"] == 0 and torch.equal(names["moved"], image))
