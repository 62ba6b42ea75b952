"""Standardisation to a reference tissue or to percentiles."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiac_transforms.mri.standardize import StandardizePercentiles, StandardizeToReference, StandardizeToReferenced

gains, offsets = st.floats(0.01, 100), st.floats(-500, 500)


def heart(seed=0, shape=(1, 24, 20, 3)):
    """Scheme emidec: blood 300 +- 20, remote myocardium 40 +- 10, infarct 320, background 0 to 100."""
    generator = torch.Generator().manual_seed(seed)
    label = torch.zeros(shape, dtype=torch.uint8)
    label[:, 4:20, 4:16], label[:, 8:16, 7:13], label[:, 4:7, 4:8] = 2, 1, 3
    noise = torch.randn(shape, generator=generator, dtype=torch.float64)
    image = 100 * torch.rand(shape, generator=generator, dtype=torch.float64)
    for value, (mean, sd) in {1: (300, 20), 2: (40, 10), 3: (320, 10)}.items():
        image = torch.where(label == value, mean + sd * noise, image)
    return label, image


def test_blood_is_one_and_zero_signal_is_zero():
    label, image = heart()
    shown = StandardizeToReference("blood_pool")(image, mask=label)
    assert shown[label == 1].median().item() == pytest.approx(1, abs=1e-2)
    torch.testing.assert_close(shown.as_tensor() / shown.max(), image / image.max())
    offset = StandardizeToReference("blood_pool", zero=2048)(image + 2048, mask=label)
    torch.testing.assert_close(offset, shown)


def test_remote_myocardium_has_mean_zero_and_unit_spread_so_scar_is_counted_in_sd():
    label, image = heart(shape=(1, 64, 64, 8))
    shown = StandardizeToReference("remote", (2,))(image, mask=label).as_tensor()
    remote = shown[label == 2]
    assert remote.mean().item() == pytest.approx(0, abs=0.05) and remote.std().item() == pytest.approx(1, abs=0.05)
    assert shown[label == 3].median().item() == pytest.approx(28, rel=0.05)


def test_scar_in_the_remote_mask_hardly_counts():
    label, image = heart(shape=(1, 64, 64, 8))
    clean = StandardizeToReference("remote", (2,))(image, mask=label).as_tensor()
    scarred = StandardizeToReference("remote", (2, 3))(image, mask=label).as_tensor()
    share = (label == 3).sum() / (label >= 2).sum()
    assert share > 0.05
    assert (scarred[label == 3].median() / clean[label == 3].median()).item() == pytest.approx(1, abs=0.2)


@given(seed=st.integers(0, 20), gain=gains, offset=offsets)
@settings(deadline=None, max_examples=25)
def test_gain_and_offset_of_the_scanner_do_not_matter(seed, gain, offset):
    label, image = heart(seed)
    remote = StandardizeToReference("remote", (2,))
    torch.testing.assert_close(
        remote(gain * image + offset, mask=label), remote(image, mask=label), atol=1e-6, rtol=1e-6
    )
    blood = StandardizeToReference("blood_pool")
    torch.testing.assert_close(blood(gain * image, mask=label), blood(image, mask=label))
    percentiles = StandardizePercentiles()
    torch.testing.assert_close(percentiles(gain * image + offset), percentiles(image), atol=1e-6, rtol=1e-6)


def test_percentiles_become_zero_and_one_and_nothing_is_clipped():
    image = torch.arange(201.0).view(1, 3, 67, 1)
    shown = StandardizePercentiles((5, 95))(image)
    assert np.percentile(shown, [5, 95]).tolist() == pytest.approx([0, 1], abs=1e-6)
    assert shown.min() < 0 and shown.max() > 1


@pytest.mark.parametrize("reference", ["blood_pool", "remote"])
@pytest.mark.parametrize("case", ["no mask", "empty mask", "unusable tissue"])
def test_without_a_usable_reference_percentiles_are_used(reference, case):
    label, image = heart()
    mask = {"no mask": None, "empty mask": torch.zeros_like(label), "unusable tissue": label}[case]
    if case == "unusable tissue":
        image = torch.where(label == 1, -5.0, image)  # negative blood, and no spread
    shown = StandardizeToReference(reference)(image, mask=mask)
    assert torch.equal(shown, StandardizePercentiles()(image))


def test_constant_image_stays_finite():
    assert StandardizePercentiles()(torch.full((1, 4, 4), 7.0)).abs().max() == 0


def test_channels_share_one_scale_and_the_dictionary_form_takes_the_mask():
    label, image = heart()
    both = torch.cat([image, 2 * image])
    shown = StandardizeToReferenced("image", "remote", (2,), mask_key="label")({"image": both, "label": label})["image"]
    torch.testing.assert_close(
        shown[1] - shown[0], (image / image.max() * (shown[1] - shown[0]).max())[0].as_subclass(type(shown))
    )
    torch.testing.assert_close(shown, StandardizeToReference("remote", (2,))(both, mask=label))


@pytest.mark.parametrize(
    "make, name",
    [
        (lambda: StandardizeToReference("muscle"), "reference"),
        (lambda: StandardizeToReference("remote", ()), "labels"),
        (lambda: StandardizeToReference("blood_pool", zero=float("inf")), "zero"),
        (lambda: StandardizePercentiles((99, 1)), "percents"),
        (lambda: StandardizePercentiles((1, 50, 99)), "percents"),
        (lambda: StandardizePercentiles((-1, 99)), "percents"),
    ],
)
def test_wrong_arguments_are_named(make, name):
    with pytest.raises(ValueError, match=name):
        make()


def test_mask_of_many_channels_is_refused():
    label, image = heart()
    with pytest.raises(ValueError, match="mask"):
        StandardizeToReference("remote")(image, mask=label.repeat(2, 1, 1, 1))
