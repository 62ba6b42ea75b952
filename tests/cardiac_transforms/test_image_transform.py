"""The base of all image transforms, by a transform that does next to nothing."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, RandomizableTransform

from cardiac_transforms.image_transform import (
    ImageTransform,
    RandomImageTransform,
    check_axes,
    check_choices,
    dictionary_form,
    draw_range,
    need_spacing,
    pixel_spacing,
)


class Weaken(ImageTransform):
    """Image times a factor where the mask is set; knows its spacing."""

    companions = ("mask",)
    recorded = ("factor",)

    def __init__(self, factor: float = 0.5, spacing=None):
        super().__init__(spacing)
        self.factor, self.seen = factor, None

    def apply(self, image, spacing, mask=None):
        self.seen = spacing
        return image * self.factor if mask is None else torch.where(mask > 0, image * self.factor, image)

    def severity(self):
        return {"factor": self.factor}


class RandWeaken(RandomImageTransform):
    companions = ("mask",)
    recorded = ("factor",)

    def draw(self, shape):
        return Weaken(self.R.uniform(0.1, 0.9) / shape[-1], self.spacing)


Weakend, RandWeakend = dictionary_form(Weaken), dictionary_form(RandWeaken)
IMAGE = torch.rand(1, 4, 5, 2, generator=torch.Generator().manual_seed(0))


def test_the_affine_of_a_metatensor_gives_the_spacing_and_wins_over_the_argument():
    weaken = Weaken(spacing=(9, 9, 9))
    weaken(MetaTensor(IMAGE, affine=torch.diag(torch.tensor([1.5, 2.0, 8.0, 1.0]))))
    assert weaken.seen == (1.5, 2.0, 8.0)
    weaken(IMAGE)
    assert weaken.seen == (9, 9, 9)
    assert pixel_spacing(IMAGE[..., 0], (1.5, 2)) == (1.5, 2, 1)
    assert pixel_spacing(IMAGE) is None


def test_a_record_says_what_was_done_and_nothing_where_nothing_was_done():
    random = RandWeakend("image", prob=0.5).set_random_state(0)
    done = set()
    for _ in range(12):
        out = random({"image": IMAGE})["image"]
        record = out.applied_operations[-1]
        ratio = float(out.sum() / IMAGE.sum())
        assert record["extra_info"]["factor"] == pytest.approx(ratio if record["do_transforms"] else 0)
        assert record["do_transforms"] or ratio == 1
        done.add(record["do_transforms"])
    assert done == {True, False}


@pytest.mark.parametrize("cls", [Weakend, RandWeakend])
def test_inverse_takes_the_record_off_and_leaves_the_image(cls):
    pipeline = Compose([cls("image")])
    out = pipeline({"image": IMAGE})
    back = pipeline.inverse(out)["image"]
    assert back.applied_operations == []
    torch.testing.assert_close(back, out["image"], check_dtype=False)


def test_companions_come_by_name_and_by_key():
    mask = (IMAGE > 0.5).to(torch.uint8)
    by_name = Weaken()(IMAGE, mask=mask)
    by_key = Weakend("image", mask_key="label")({"image": IMAGE, "label": mask})["image"]
    torch.testing.assert_close(by_name, by_key)
    torch.testing.assert_close(by_name.as_tensor(), torch.where(mask > 0, IMAGE / 2, IMAGE))
    with pytest.raises(TypeError, match="'frame'"):
        Weaken()(IMAGE, frame=mask)
    with pytest.raises(ValueError, match="mask must have a channel and the image's grid"):
        Weaken()(IMAGE, mask=mask[:, :3])


def test_every_key_gets_the_same_draw():
    out = RandWeakend(("a", "b"), prob=1).set_random_state(3)({"a": IMAGE, "b": IMAGE})
    torch.testing.assert_close(out["a"], out["b"])


def test_the_dictionary_form_shows_the_arguments_and_may_miss_keys():
    assert str(inspect.signature(RandWeakend)).startswith("(keys, prob")
    assert {"mask_key", "allow_missing_keys"} < set(inspect.signature(Weakend).parameters)
    assert issubclass(RandWeakend, RandomizableTransform) and not issubclass(Weakend, RandomizableTransform)
    assert Weakend(("image", "other"), allow_missing_keys=True)({"image": IMAGE}).keys() == {"image"}
    with pytest.raises(KeyError, match="other"):
        Weakend(("image", "other"))({"image": IMAGE})
    with pytest.raises(ValueError, match="keys"):
        Weakend(())


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [(4, 0, 9, (0, 4)), (3, -90, 90, (-3, 3)), ((1, 2), 0, 9, (1, 2)), (np.array([1.0, 1.0]), 0, 9, (1, 1))],
)
def test_ranges_are_read_as_monai_reads_them(value, low, high, expected):
    assert draw_range(value, "x", low, high) == expected


@pytest.mark.parametrize("value", [(2, 1), (-1, 2), (0, 10), (1, 2, 3), float("nan"), (0, float("nan"))])
def test_impossible_ranges_are_refused_by_name(value):
    with pytest.raises(ValueError, match="rms_mm must be a number or"):
        draw_range(value, "rms_mm", 0, 9)


def test_missing_spacing_is_said_with_its_remedy():
    assert need_spacing((1, 2, 3), "X") == (1, 2, 3)
    with pytest.raises(ValueError, match="spacing="):
        need_spacing(None, "X")
    for wrong in ((1, 0, 1), (1, float("inf"), 1)):
        with pytest.raises(ValueError, match="spacing must be positive"):
            Weaken(spacing=wrong)
    with pytest.raises(ValueError, match="one value for each of the 3"):
        Weaken(spacing=(1, 1))(IMAGE)


def test_axes_and_choices_are_checked_by_name():
    assert check_axes([1, 0], "axes") == (1, 0)
    assert check_choices(["b"], "kinds", ("a", "b")) == ("b",)
    for wrong in ((), (0, 0), (2,), (-1,)):
        with pytest.raises(ValueError, match="axes must be among"):
            check_axes(wrong, "axes")
    for wrong in ((), "a", ("a", "c")):
        with pytest.raises(ValueError, match="kinds must be one or more of a, b"):
            check_choices(wrong, "kinds", ("a", "b"))
