"""MONAI's conventions, one table over every image transform of ``cardiac_transforms.mri``.

The table has one line for each family ``X``; every test runs over ``X``, ``RandX`` and their dictionary forms.
"""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.bundle import ConfigParser
from monai.data import MetaTensor
from monai.transforms import Compose, Flip

import cardiac_transforms.mri as mri
from cardiac_transforms.image_transform import DictionaryForm, ImageTransform, RandomImageTransform
from tests.cardiac_transforms.conventions import (
    check_names,
    check_record,
    check_refused,
    check_small,
    check_untracked,
    epoch,
)

MM = {"spacing": (1.5, 1.2, 8.0)}
SHOTS = 4
POSES = [[0.0, 0.0, 0.0], [1.0, -2.0, 1.0], [2.0, 0.5, -2.0], [0.0, 1.0, 0.5]]
LANDMARKS = [0.0, 0.1, 0.3, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
# family: (arguments of X, arguments of RandX or None: a standardisation has no random form)
FAMILIES: dict[str, tuple[dict, dict | None]] = {
    "SegmentedMotion": ({"poses": POSES, **MM}, {"shots": (4, 6), **MM}),
    "BreathingMotion": ({"course": [0.0, 1.0, 4.0, 2.0], "shots": 4, **MM}, {"shots": (4, 6), **MM}),
    "Ghosting": ({"amplitude_mm": 2.0, "period": 4, **MM}, MM),
    "Mistriggering": (
        {"contraction_mm": [4.0, 0.0, 0.0, 3.0], "order": "sequential", "radius_mm": 8.0, **MM},
        {"shots": (4, 6), "contraction_mm": (2, 4), "radius_mm": 8.0, **MM},
    ),
    "SliceMisalignment": ({"shift": [[2.0, 1.0, 1.0], [0.0, -2.0, 3.0], [-1.0, 1.5, -2.0]], **MM}, MM),
    "PartialFourier": ({}, {}),
    "GibbsRinging": ({}, {}),
    "KSpaceSpikes": ({}, {}),
    "MagnitudeNoise": ({}, {}),
    "ZeroMeanBiasField": ({}, {}),
    "SurfaceCoilShading": (MM, MM),
    "ThickSlices": (
        {"thickness": 16.0, "shifts": [[2.0, 1.0], [0.0, -1.0], [1.0, 1.0]], **MM},
        {"thickness": (12.0, 24.0), **MM},
    ),
    "InPlaneResolution": ({"voxel_mm": 3.0, **MM}, {"voxel_mm": (2.5, 4.0), **MM}),
    "InversionTimeError": ({"error_ms": 40.0, **MM}, {"error_ms": (30.0, 60.0), **MM}),
    "LGEDisplay": ({"show": "magnitude", "display": "psir", "zero": 40.0},) * 2,
    "StandardizePercentiles": ({}, None),
    "StandardizeToReference": ({"reference": "remote"}, None),
    "NyulStandardize": ({"landmarks": LANDMARKS}, None),
}


def example(shape=(1, 24, 18, 3), seed=0) -> torch.Tensor:
    """A bright blob on a dim ground, all values positive."""
    axes = [torch.linspace(-1, 1, n) if n > 1 else torch.zeros(1) for n in shape[1:]]
    radius = sum(a**2 for a in torch.meshgrid(*axes, indexing="ij")).sqrt()
    texture = torch.rand(shape, generator=torch.Generator().manual_seed(seed))
    return 100 * torch.exp(-4 * radius**2) + 20 * texture + 5


def deterministic(name: str):
    return getattr(mri, name)(**FAMILIES[name][0])


def random(name: str, prob: float = 1.0, seed: int = 5):
    return getattr(mri, f"Rand{name}")(prob=prob, **FAMILIES[name][1]).set_random_state(seed)


def both(name: str) -> list:
    """``X`` and a seeded ``RandX``, where there is one."""
    return [deterministic(name)] + ([random(name)] if name in RANDOM else [])


def forms(name: str) -> list[tuple[str, dict]]:
    """Names of the forms without ``d``, with their arguments."""
    fixed, drawn = FAMILIES[name]
    return [(name, fixed)] + ([] if drawn is None else [(f"Rand{name}", {"prob": 1.0, **drawn})])


RANDOM = [name for name, (_, drawn) in FAMILIES.items() if drawn is not None]
families = pytest.mark.parametrize("name", FAMILIES)
random_families = pytest.mark.parametrize("name", RANDOM)


def public(base: type) -> set[str]:
    return {n for n in mri.__all__ if isinstance(getattr(mri, n), type) and issubclass(getattr(mri, n), base)}


def test_the_table_names_every_public_transform():
    assert public(ImageTransform) == set(FAMILIES)
    assert public(RandomImageTransform) == {f"Rand{name}" for name in RANDOM}
    arrays = [form for name in FAMILIES for form, _ in forms(name)]
    assert public(DictionaryForm) == {form + suffix for form in arrays for suffix in ("d", "D", "Dict")}


@families
def test_the_three_names_of_a_dictionary_form_are_one_class(name):
    for form, _ in forms(name):
        check_names(mri, form)


@families
@pytest.mark.parametrize("shape", [(1, 24, 18, 3), (2, 17, 24, 1), (1, 21, 16), (3, 16, 16, 6)])
def test_numpy_tensor_and_metatensor_give_the_same_and_shape_affine_and_input_stay(name, shape):
    image = example(shape)
    affine = torch.diag(torch.tensor([*MM["spacing"], 1.0], dtype=torch.float64))
    mm = {"spacing": MM["spacing"][: len(shape) - 1]}
    for form, arguments in forms(name):
        arguments = {**arguments, **(mm if "spacing" in arguments else {})}
        if "shift" in arguments:
            arguments["shift"] = (arguments["shift"] * 2)[: (*shape, 1)[3]]
        results = []
        for given_as in (image.numpy().copy(), image.clone(), MetaTensor(image.clone(), affine=affine)):
            before = given_as.copy() if isinstance(given_as, np.ndarray) else given_as.clone()
            transform = getattr(mri, form)(**arguments)
            out = (transform if form == name else transform.set_random_state(5))(given_as)
            assert isinstance(out, MetaTensor) and out.shape == shape and out.dtype == torch.float32
            assert torch.isfinite(out).all()
            np.testing.assert_array_equal(np.asarray(given_as), np.asarray(before))
            results.append(out)
        np.testing.assert_array_equal(results[2].affine, affine)
        for other in results[1:]:
            torch.testing.assert_close(results[0].as_tensor(), other.as_tensor(), rtol=1e-4, atol=1e-3)
        idle = name == "ThickSlices" and (*shape, 1)[3] == 1  # a single slice has nothing to average
        assert idle or not torch.allclose(results[0].as_tensor(), image, atol=1e-3), "the example does nothing"


@families
def test_dictionary_form_equals_array_form_by_value(name):
    image = example()
    fixed = getattr(mri, f"{name}d")("image", **FAMILIES[name][0])
    torch.testing.assert_close(fixed({"image": image})["image"], deterministic(name)(image))
    if name not in RANDOM:
        return
    drawn = getattr(mri, f"Rand{name}d")(("image", "twin"), prob=1.0, **FAMILIES[name][1]).set_random_state(5)
    out = drawn({"image": image, "twin": image, "other": 1})
    torch.testing.assert_close(out["image"], random(name)(image))
    torch.testing.assert_close(out["image"].as_tensor(), out["twin"].as_tensor())
    assert out["other"] == 1


@random_families
def test_same_seed_same_result_other_seed_another_and_replay_repeats(name):
    image = example()
    first, same, other = random(name), random(name), random(name, seed=6)
    once = first(image)
    torch.testing.assert_close(once, same(image))
    torch.testing.assert_close(first(image, randomize=False), once)
    if name != "LGEDisplay":  # draws whether, not how
        assert not torch.equal(once, other(image))
        assert not torch.equal(first(image), once)
    torch.testing.assert_close(random(name)(image), once)  # a call on one object leaves others alone


@random_families
def test_probability_zero_leaves_the_values_and_still_converts(name):
    image = example().to(torch.int16)
    out = random(name, prob=0)(image)
    assert isinstance(out, MetaTensor) and out.dtype == torch.float32
    np.testing.assert_array_equal(out, image)
    out += 1  # the result is the caller's own
    assert torch.equal(image, example().to(torch.int16))


@families
@pytest.mark.parametrize("dtype", [torch.float16, torch.float64, torch.uint8, torch.int16, torch.int32])
def test_floating_types_are_kept_and_integers_become_float32(name, dtype):
    image = example().to(dtype)
    for transform, reference in zip(both(name), both(name), strict=True):
        out = transform(image)
        assert out.dtype == (dtype if dtype.is_floating_point else torch.float32)
        if not (name == "MagnitudeNoise" and dtype == torch.float64):  # which draws other numbers
            expected = reference(image.float()).as_tensor()
            torch.testing.assert_close(out.float().as_tensor(), expected, rtol=2e-3, atol=0.3)


@families
def test_without_metadata_tracking_a_tensor_comes_out(name):
    check_untracked(both(name), example())


@families
def test_nothing_large_stays_on_the_object(name):
    for array, arguments in forms(name):
        check_small(getattr(mri, f"{array}d")("image", **arguments), example((1, 64, 64, 3)), 12_000)


@pytest.mark.parametrize("name", [name for name in RANDOM if name != "LGEDisplay"])
def test_workers_draw_differently_and_repeatably(name):
    transform = getattr(mri, f"Rand{name}d")("image", prob=1.0, **FAMILIES[name][1])
    first, again = epoch(transform, example()), epoch(transform, example())
    for i, image in enumerate(first):
        assert all(not torch.equal(image, later) for later in first[i + 1 :])
        torch.testing.assert_close(image, again[i])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@families
def test_gpu_agrees(name):
    for transform in both(name):
        out = transform(example().cuda())
        assert out.device.type == "cuda"
        if "Noise" not in name:  # generators of the two devices differ
            same = both(name)[isinstance(transform, RandomImageTransform)]
            torch.testing.assert_close(out.cpu().as_tensor(), same(example()).as_tensor(), rtol=1e-3, atol=1e-2)


@families
def test_lazy_resampling_is_resolved_before_and_the_record_is_taken_off_by_the_inverse(name):
    image = MetaTensor(example())
    for make in (deterministic, random)[: 2 if name in RANDOM else 1]:
        eager = Compose([Flip(spatial_axis=0), make(name)]).set_random_state(5)(image)
        lazy_pipeline = Compose([Flip(spatial_axis=0), make(name)], lazy=True).set_random_state(5)
        lazy = lazy_pipeline(image)
        torch.testing.assert_close(lazy.as_tensor(), eager.as_tensor(), rtol=1e-4, atol=1e-3)
        assert not lazy.pending_operations
        assert lazy_pipeline.inverse(lazy).applied_operations == []


@families
def test_the_record_is_one_number_for_each_name(name):
    check_record(both(name) + ([random(name, prob=0)] if name in RANDOM else []), example())


@families
def test_yaml_configures_it_by_target(name):
    for form, arguments in forms(name):
        config = {"t": {"_target_": f"cardiac_transforms.mri.{form}d", "keys": "image", **arguments}}
        transform = ConfigParser(config).get_parsed_content("t")
        assert type(transform) is getattr(mri, f"{form}d")
        assert transform({"image": example()})["image"].shape == example().shape


@families
def test_bad_images_are_refused_in_a_sentence(name):
    for transform in both(name):
        check_refused(transform, example(), (*map(torch.zeros, ((4, 4), (1, 2, 4, 4, 4), (1, 0, 4))), np.zeros(3)))


@families
def test_bad_arguments_are_refused_by_name(name):
    for form, arguments in forms(name):
        for prob in (-0.1, 1.5, float("nan")) if "prob" in arguments else ():
            with pytest.raises(ValueError, match="prob"):
                getattr(mri, form)(**{**arguments, "prob": prob})
        with pytest.raises(ValueError, match="keys"):
            getattr(mri, f"{form}d")((), **arguments)
        if "spacing" in arguments:
            bare = {key: value for key, value in arguments.items() if key != "spacing"}
            with pytest.raises(ValueError, match="spacing="):
                getattr(mri, form)(**bare)(example())
            with pytest.raises(ValueError, match="spacing"):
                getattr(mri, form)(**{**arguments, "spacing": (0, 1, 1)})(example())


@families
def test_an_axis_that_is_not_there_is_refused(name):
    for form, arguments in forms(name):
        known = inspect.signature(getattr(mri, form)).parameters
        for argument, wrong in {"phase_axis": 2, "phase_axes": (0, 2), "axes": (3,)}.items():
            if argument in known:
                with pytest.raises(ValueError, match=argument):
                    getattr(mri, form)(**{**arguments, argument: wrong})


@random_families
@settings(deadline=None, max_examples=12)
@given(
    channels=st.integers(1, 2),
    x=st.integers(8, 26),
    y=st.integers(8, 26),
    z=st.integers(1, 5),
    seed=st.integers(0, 999),
)
def test_any_shape_and_seed_give_a_finite_image_of_the_same_shape(name, channels, x, y, z, seed):
    shape = (channels, x, y, z)
    image = example(shape, seed)
    before = image.clone()
    out = random(name, seed=seed)(image)
    assert out.shape == shape and torch.isfinite(out).all()
    assert torch.equal(image, before)
