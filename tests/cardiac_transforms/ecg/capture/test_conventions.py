"""MONAI's conventions, one table over every transform of ``cardiac_transforms.ecg.capture``.

The table has one line for each family ``X``; every test runs over ``X``, ``RandX`` and their dictionary forms.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor
from monai.transforms import Compose, Flip

import cardiac_transforms.ecg.capture as capture
from cardiac_transforms.ecg.page_transform import PageDictionaryForm, PageTransform, RandomPageTransform
from tests.cardiac_transforms.conventions import (
    check_names,
    check_record,
    check_refused,
    check_small,
    check_untracked,
    epoch,
)
from tests.cardiac_transforms.ecg.capture.pages import gridded

# family: (arguments of X, arguments of RandX)
FAMILIES: dict[str, tuple[dict, dict]] = {
    "BlackAndWhiteScan": ({}, {}),
    "CapturePage": ({"effects": (capture.PageFold(), capture.PageShadow(), capture.JPEGCompression(60))}, {}),
    "GreyScan": ({"contrast": 1.5}, {"contrast": (1.3, 1.6)}),
    "GridColour": ({}, {}),
    "Handwriting": ({}, {"words": (3, 5), "marks": (1, 2), "size": 0.03}),
    "JPEGCompression": ({}, {}),
    "LowResolution": ({}, {}),
    "Moire": ({}, {}),
    "PageBlur": ({}, {}),
    "PageCrumple": ({}, {}),
    "PageCurl": ({}, {}),
    "PageFold": ({}, {}),
    "PageGlare": ({}, {}),
    "PagePerspective": ({}, {}),
    "PageShadow": ({}, {}),
    "PaperColour": ({}, {}),
    "SensorNoise": ({}, {}),
    "Stains": ({}, {}),
    "UnevenLight": ({}, {}),
}
COLOUR_ONLY = ("GridColour",)
"""Do nothing to a grey page."""
GEOMETRY = ("CapturePage", "PageCrumple", "PageCurl", "PageFold", "PagePerspective")
families = pytest.mark.parametrize("name", FAMILIES)


def deterministic(name: str):
    return getattr(capture, name)(**FAMILIES[name][0])


def random(name: str, prob: float = 1.0, seed: int = 5):
    return getattr(capture, f"Rand{name}")(prob=prob, **FAMILIES[name][1]).set_random_state(seed)


def both(name: str) -> list:
    return [deterministic(name), random(name)]


def forms(name: str) -> list[tuple[str, dict]]:
    """Names of the forms without ``d``, with their arguments."""
    fixed, drawn = FAMILIES[name]
    return [(name, fixed), (f"Rand{name}", {"prob": 1.0, **drawn})]


def public(base: type) -> set[str]:
    found = {n for n in capture.__all__ if isinstance(getattr(capture, n), type)}
    return {n for n in found if issubclass(getattr(capture, n), base)}


def test_the_table_names_every_public_transform():
    assert public(PageTransform) == set(FAMILIES)
    assert public(RandomPageTransform) == {f"Rand{name}" for name in FAMILIES}
    arrays = [form for name in FAMILIES for form, _ in forms(name)]
    assert public(PageDictionaryForm) == {form + suffix for form in arrays for suffix in ("d", "D", "Dict")}


@families
def test_the_three_names_of_a_dictionary_form_are_one_class(name):
    for form, _ in forms(name):
        check_names(capture, form)


@families
@pytest.mark.parametrize("channels", [1, 3])
def test_numpy_tensor_and_metatensor_give_the_same_and_the_input_stays(name, channels):
    image = gridded()[:channels].contiguous()
    for make in (deterministic, random):
        results = []
        for given_as in (image.numpy().copy(), image.clone(), MetaTensor(image.clone(), meta={"name": "page"})):
            before = np.array(given_as)
            out = make(name)(given_as)
            assert isinstance(out, MetaTensor) and out.dtype == torch.float32 and out.shape[0] == channels
            assert torch.isfinite(out).all()
            np.testing.assert_array_equal(np.asarray(given_as), before)
            results.append(out.as_tensor())
        assert out.meta["name"] == "page"
        torch.testing.assert_close(results[0], results[1])
        torch.testing.assert_close(results[0], results[2])
        if channels == 3 or name not in COLOUR_ONLY:
            same_size = results[0].shape == image.shape
            assert not same_size or not torch.allclose(results[0], image, atol=0.5), "the example does nothing"


@families
def test_dictionary_form_equals_array_form_by_value_and_all_follows(name):
    image, points = gridded(), np.array([[30.0, 40.0], [100.0, 20.0]])
    data = {"image": image, "twin": image, "points": points, "boxes": torch.tensor([[20.0, 10.0, 60.0, 70.0]])}
    data |= {"mask": (image[:1] < 10).to(torch.uint8), "mm": np.array([4.0, 4.0]), "other": 1}
    keys = {"points_key": "points", "boxes_key": "boxes", "mask_key": "mask", "pixels_per_mm_key": "mm"}
    for make, (form, arguments) in zip((deterministic, random), forms(name), strict=True):
        array = make(name)
        transform = getattr(capture, f"{form}d")(("image", "twin"), **arguments, **keys)
        if form != name:
            transform.set_random_state(5)
        out = transform(data)
        torch.testing.assert_close(out["image"], array(image))
        torch.testing.assert_close(out["image"].as_tensor(), out["twin"].as_tensor())
        warp = array.warp((96, 128))
        np.testing.assert_array_equal(out["points"], warp.points(points))
        torch.testing.assert_close(out["boxes"], warp.boxes(data["boxes"]))
        torch.testing.assert_close(out["mask"], warp.mask(data["mask"]))
        np.testing.assert_array_equal(out["mm"], warp.pixels_per_mm(data["mm"]))
        assert out["mask"].shape[1:] == out["image"].shape[1:] and out["other"] == 1
        assert np.allclose(out["points"], points) == (name not in GEOMETRY)


@families
def test_keys_may_be_missing_where_allowed(name):
    form, arguments = forms(name)[1]
    tolerant = getattr(capture, f"{form}d")(
        ("image", "other"), **arguments, allow_missing_keys=True, points_key="points"
    )
    points = torch.tensor([[30.0, 40.0]])
    assert tolerant({"image": gridded(), "points": points}).keys() == {"image", "points"}
    assert torch.equal(tolerant({"points": points})["points"], points)
    strict = getattr(capture, f"{form}d")("image", **arguments, points_key="points")
    for incomplete in ({"points": points}, {"image": gridded()}):
        with pytest.raises(KeyError):
            strict(incomplete)


@families
def test_same_seed_same_result_other_seed_another_and_replay_repeats(name):
    image = gridded()
    first, same, other = random(name), random(name), random(name, seed=6)
    once, place = first(image), first.warp((96, 128)).points(np.array([[30.0, 40.0]]))
    torch.testing.assert_close(once, same(image))
    torch.testing.assert_close(first(image, randomize=False), once)
    np.testing.assert_array_equal(first.warp((96, 128)).points(np.array([[30.0, 40.0]])), place)
    later = [other(image), first(image), first(image)]
    assert any(out.shape != once.shape or not torch.equal(out, once) for out in later)
    torch.testing.assert_close(random(name)(image), once)  # a call on one object leaves others alone


@families
def test_probability_zero_leaves_the_values_and_still_converts(name):
    image = gridded().to(torch.uint8)
    transform = random(name, prob=0)
    out = transform(image)
    assert isinstance(out, MetaTensor) and out.dtype == torch.float32
    np.testing.assert_array_equal(out, image)
    out += 1  # the result is the caller's own
    assert torch.equal(image, gridded().to(torch.uint8))
    points = np.array([[3.0, 4.0]])
    np.testing.assert_array_equal(transform.warp((96, 128)).points(points), points)


@families
@pytest.mark.parametrize("dtype", [torch.float16, torch.float64, torch.uint8, torch.int16])
def test_floating_types_are_kept_and_integers_become_float32(name, dtype):
    image = gridded().to(dtype)
    for transform, reference in zip(both(name), both(name), strict=True):
        out = transform(image)
        assert out.dtype == (dtype if dtype.is_floating_point else torch.float32)
        torch.testing.assert_close(out.float().as_tensor(), reference(image.float()).as_tensor(), rtol=2e-3, atol=0.2)


@families
def test_without_metadata_tracking_a_tensor_comes_out(name):
    check_untracked(both(name), gridded())


@families
def test_nothing_large_stays_on_the_object(name):
    for array, arguments in forms(name):
        check_small(getattr(capture, f"{array}d")("image", **arguments), gridded(200, 300), 20_000)


@pytest.mark.slow
@families
def test_workers_draw_differently_and_repeatably(name):
    transform = getattr(capture, f"Rand{name}d")("image", prob=1.0, **FAMILIES[name][1])
    first, again = epoch(transform, gridded()), epoch(transform, gridded())
    for one, same in zip(first, again, strict=True):
        torch.testing.assert_close(one, same)
    assert any(one.shape != first[0].shape or not torch.equal(one, first[0]) for one in first[1:])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@families
def test_gpu_agrees(name):
    for transform, same in zip(both(name), both(name), strict=True):
        out = transform(gridded().cuda())
        assert out.device.type == "cuda"
        difference = (out.cpu().as_tensor() - same(gridded()).as_tensor()).abs()
        assert difference.mean() < 1


@families
def test_lazy_resampling_is_resolved_before_and_the_record_is_taken_off_by_the_inverse(name):
    image = MetaTensor(gridded())
    for make in (deterministic, random):
        eager = Compose([Flip(spatial_axis=0), make(name)]).set_random_state(5)(image)
        pipeline = Compose([Flip(spatial_axis=0), make(name)], lazy=True).set_random_state(5)
        lazy = pipeline(image)
        torch.testing.assert_close(lazy.as_tensor(), eager.as_tensor(), rtol=1e-3, atol=1.5)
        assert not lazy.pending_operations
        assert pipeline.transforms[1].inverse(lazy).applied_operations == lazy.applied_operations


@families
def test_the_record_is_one_number_for_each_name(name):
    check_record([*both(name), random(name, prob=0)], gridded())


@families
def test_yaml_configures_it_by_target(name):
    for form, arguments in forms(name)[name == "CapturePage" :]:
        config = {"t": {"_target_": f"cardiac_transforms.ecg.capture.{form}d", "keys": "image", **arguments}}
        transform = ConfigParser(config).get_parsed_content("t")
        assert type(transform) is getattr(capture, f"{form}d")
        assert transform({"image": gridded()})["image"].shape[0] == 3


@families
def test_bad_images_are_refused_in_a_sentence(name):
    for transform in both(name):
        check_refused(
            transform, gridded(), (*map(torch.zeros, ((4, 4), (1, 4, 4, 4), (2, 8, 8), (1, 0, 4))), np.zeros(3))
        )
        with pytest.raises(TypeError, match=r"boxes by warp\(size\) or in dictionary form|'boxes'"):
            transform(gridded(), boxes=torch.zeros(1, 4))


@families
def test_bad_arguments_and_companions_are_refused_by_name(name):
    form, arguments = forms(name)[1]
    for prob in (-0.1, 1.5, float("nan")):
        with pytest.raises(ValueError, match="prob"):
            getattr(capture, form)(**{**arguments, "prob": prob})
    with pytest.raises(ValueError, match="keys"):
        getattr(capture, f"{form}d")((), **arguments)
    warp = deterministic(name).warp((96, 128))
    for what, wrong in {
        "points": torch.zeros(3),
        "boxes": torch.zeros(2, 3),
        "mask": torch.zeros(96, 128),
        "pixels_per_mm": torch.zeros(1, 2),
    }.items():
        with pytest.raises(ValueError, match=what):
            getattr(warp, what)(wrong)
