"""Histogram standardisation."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiac_transforms.mri.kernels.standardize import piecewise_linear
from cardiac_transforms.mri.nyul import PERCENTS, NyulStandardize, NyulStandardized, learn_nyul_landmarks

LANDMARKS = [0.0, 0.05, 0.1, 0.18, 0.25, 0.4, 0.5, 0.6, 0.8, 0.9, 1.0]


def picture(seed, power=2.0, shape=(1, 24, 20, 3)):
    """Positive, skewed intensities."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) ** power


def test_foreground_percentiles_land_on_the_landmarks():
    image = picture(0)
    shown = NyulStandardize(LANDMARKS)(image)
    foreground = shown[image > image.mean()]
    # interpolated percentiles bend a little at the knots
    np.testing.assert_allclose(np.percentile(foreground, PERCENTS), LANDMARKS, atol=5e-3)


@given(seed=st.integers(0, 99), gain=st.floats(0.01, 1000), offset=st.floats(-1000, 1000))
@settings(deadline=None, max_examples=30)
def test_gain_and_offset_of_the_scanner_do_not_matter(seed, gain, offset):
    image, standard = picture(seed), NyulStandardize(LANDMARKS)
    torch.testing.assert_close(standard(gain * image + offset), standard(image), atol=1e-6, rtol=1e-6)


@given(seed=st.integers(0, 99), dtype=st.sampled_from([torch.float32, torch.int16]))
@settings(deadline=None, max_examples=30)
def test_order_of_intensities_is_kept(seed, dtype):
    image = (picture(seed) * 40).to(dtype)  # few whole values: many equal percentiles
    shown = NyulStandardize(LANDMARKS)(image)
    order = image.flatten().argsort(stable=True)
    assert (shown.flatten()[order].diff() >= 0).all()
    assert torch.isfinite(shown).all()


def test_an_image_of_the_learnt_set_is_only_shifted_and_scaled():
    image = picture(1)
    shown = NyulStandardize(learn_nyul_landmarks([image]))(image).as_tensor()
    low, high = np.percentile(image[image > image.mean()], [1, 99])
    torch.testing.assert_close(shown, (image - low) / (high - low))


def test_different_contrasts_come_to_the_same_scale():
    images = [picture(1, 1.5) * 900, picture(2, 2.5) * 30 + 7]
    standard = NyulStandardize(learn_nyul_landmarks(images))
    medians = [standard(image)[image > image.mean()].median().item() for image in images]
    apart = [((i - i.min()) / (i.max() - i.min()))[i > i.mean()].median().item() for i in images]
    assert abs(medians[0] - medians[1]) < 1e-3 < 0.02 < abs(apart[0] - apart[1])


def test_landmarks_are_the_mean_of_the_scaled_percentiles_and_plain_numbers():
    images = [picture(seed) for seed in range(3)]
    expected = []
    for image in images:
        knots = np.percentile(image[image > image.mean()], PERCENTS)
        expected.append((knots - knots[0]) / (knots[-1] - knots[0]))
    landmarks = learn_nyul_landmarks(image for image in images)
    np.testing.assert_allclose(landmarks, np.mean(expected, 0))
    assert json.loads(json.dumps(landmarks)) == landmarks and landmarks[0] == 0 and landmarks[-1] == 1


def test_outer_lines_go_on_beyond_the_outer_landmarks():
    knots, values = [0.0, 10.0, 20.0], [0.0, 1.0, 3.0]
    ends = piecewise_linear(torch.tensor([-10.0, 30.0]), knots, values)
    assert ends.tolist() == pytest.approx([-1, 5])


@given(seed=st.integers(0, 99), count=st.integers(2, 12))
@settings(deadline=None, max_examples=30)
def test_piecewise_map_agrees_with_interpolation(seed, count):
    rng = np.random.default_rng(seed)
    knots, values = np.sort(rng.normal(size=count)), np.sort(rng.normal(size=count))
    x = rng.uniform(knots[0], knots[-1], 50)
    np.testing.assert_allclose(piecewise_linear(torch.tensor(x), knots, values), np.interp(x, knots, values), atol=1e-9)


def test_mask_is_the_foreground_and_an_empty_one_is_not():
    image, mask = picture(4), torch.zeros(1, 24, 20, 3)
    mask[:, 5:9] = 1
    standard = NyulStandardize([0, 1], (10, 90))
    low, high = np.percentile(image[mask > 0], [10, 90])
    torch.testing.assert_close(standard(image, mask=mask).as_tensor(), (image - low) / (high - low))
    assert torch.equal(standard(image, mask=0 * mask), standard(image))
    assert learn_nyul_landmarks([image], masks=[mask]) != learn_nyul_landmarks([image])
    by_key = NyulStandardized("image", [0, 1], (10, 90), mask_key="mask")({"image": image, "mask": mask})["image"]
    assert torch.equal(by_key, standard(image, mask=mask))


def test_negative_images_are_standardised_as_well():
    image = picture(5) - 0.7
    torch.testing.assert_close(NyulStandardize(LANDMARKS)(image), NyulStandardize(LANDMARKS)(image + 0.7))


def test_constant_image_becomes_the_first_landmark():
    assert (NyulStandardize([0.25, 1.0], (1, 99))(torch.full((1, 4, 4), 7.0)) == 0.25).all()


@pytest.mark.parametrize(
    "images, masks, name",
    [
        ([], None, "images"),
        ([torch.ones(1, 4, 4)], None, "constant"),
        ([picture(0)], [torch.zeros(1, 24, 20, 3)], "mask"),
        ([picture(0)], [torch.ones(1, 4, 4)], "mask"),
        ([picture(0)], [], "argument"),
    ],
)
def test_nothing_to_learn_from_is_refused(images, masks, name):
    with pytest.raises(ValueError, match=name):
        learn_nyul_landmarks(images, masks=masks)


@pytest.mark.parametrize(
    "make, name",
    [
        (lambda: NyulStandardize([0, 1]), "landmarks"),
        (lambda: NyulStandardize([1, 0], (1, 99)), "landmarks"),
        (lambda: NyulStandardize([0, float("nan")], (1, 99)), "landmarks"),
        (lambda: NyulStandardize([0, 1], (99, 1)), "percents"),
        (lambda: NyulStandardize([0], (50,)), "percents"),
        (lambda: learn_nyul_landmarks([picture(0)], (1, 101)), "percents"),
        (lambda: piecewise_linear(torch.ones(3), [0, 2, 1], [0, 1, 2]), "knots"),
    ],
)
def test_wrong_arguments_are_named(make, name):
    with pytest.raises(ValueError, match=name):
        make()
