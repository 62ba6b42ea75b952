"""Inversion-time errors against the signal equation."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiac_transforms.mri.inversion_time import InversionTimeError, InversionTimeErrord, RandInversionTimeError
from cardiac_transforms.mri.kernels.inversion import (
    BRIGHT_T1,
    full_signal,
    inversion_recovery,
    null_time,
    signal_change,
    tissue_density,
)

T1 = {1: 330.0, 2: 480.0, 3: 300.0}  # blood, remote myocardium, scar
TI, T, PD = null_time(480.0, 1600.0), 1600.0, 2000.0
errors = st.floats(-100, 100)


def closed_form(t1, ti, repetition):
    return 1 - 2 * math.exp(-ti / t1) / (1 + math.exp(-repetition / t1))


def heart(ti=TI, repetition=T):
    """Label map of blood, myocardium and scar side by side, each 12 voxels wide, and its signed signal, blurred a bit."""
    label = torch.tensor([1, 2, 3]).repeat_interleave(12).expand(20, -1)[None, ..., None]
    signal = sum(PD * closed_form(t1, ti, repetition) * (label == k) for k, t1 in T1.items())
    padded = torch.cat([signal[:, :, :1], signal, signal[:, :, -1:]], 2).float()
    return label, (padded[:, :, :-2] + 2 * padded[:, :, 1:-1] + padded[:, :, 2:]) / 4


def middles(image):
    """The three tissues away from their borders."""
    return image[0, 10, [6, 18, 30], 0]


@given(t1=st.floats(100, 1500), ti=st.floats(1, 1000))
@settings(deadline=None, max_examples=40)
def test_infinite_repetition_is_simple_inversion_recovery(t1, ti):
    expected = 1 - 2 * math.exp(-ti / t1)
    assert inversion_recovery(t1, ti) == pytest.approx(expected, abs=1e-12)
    assert inversion_recovery(t1, ti, 100 * t1) == pytest.approx(expected, abs=1e-12)


@given(t1=st.floats(100, 1500), repetition=st.floats(500, 4000))
@settings(deadline=None, max_examples=40)
def test_tissue_gives_no_signal_at_its_null_time(t1, repetition):
    assert 0 < null_time(t1, repetition) < repetition / 2
    assert inversion_recovery(t1, null_time(t1, repetition), repetition) == pytest.approx(0, abs=1e-12)


def test_published_null_times_and_signals():
    assert null_time(540, 1600) == pytest.approx(347, abs=0.5)
    assert abs(inversion_recovery(540, 347 - 60, 1600)) == pytest.approx(0.118, abs=1e-3)
    assert inversion_recovery(540, 347 + 60, 1600) == pytest.approx(0.105, abs=1e-3)


@given(t1=st.floats(150, 800), error=errors, repetition=st.sampled_from([1200.0, 1600.0, 2400.0]))
@settings(deadline=None, max_examples=40)
def test_change_found_from_the_signal_is_that_of_its_t1(t1, error, repetition):
    before, after = closed_form(t1, TI, repetition), closed_form(t1, TI + error, repetition)
    change = signal_change(torch.tensor([before], dtype=torch.float64), TI, error, repetition)
    assert change.item() == pytest.approx(after - before, abs=1e-4)


@pytest.mark.parametrize("error", [-80, -30, 45, 100])
@pytest.mark.parametrize("repetition", [1600.0, math.inf])
@pytest.mark.parametrize("display", ["psir", "magnitude"])
def test_labelled_tissue_follows_the_closed_form(error, repetition, display):
    label, signed = heart(repetition=repetition)
    image = signed if display == "psir" else signed.abs()
    moved = InversionTimeError(error, T1, TI, repetition, display, spacing=(1.5, 1.5, 8))(image, mask=label)
    after = heart(TI + error, repetition)[1]
    middle = [PD * closed_form(t1, TI + error, repetition) for t1 in T1.values()]
    np.testing.assert_allclose(middles(after), middle, atol=1e-3)
    # at borders too: the change is blended as the acquisition blends the signal
    torch.testing.assert_close(moved.as_tensor(), after if display == "psir" else after.abs(), atol=1e-3 * PD, rtol=0)


def test_magnitude_image_taken_too_early_is_corrected_by_the_opposite_error():
    label, early = heart(TI - 60)
    assert middles(early)[1] < -0.1 * PD
    moved = InversionTimeError(60, T1, TI - 60, T, "magnitude", spacing=(1.5, 1.5, 8))(early.abs(), mask=label)
    np.testing.assert_allclose(middles(moved), middles(heart(TI)[1]), atol=1e-3 * PD)


def test_too_early_makes_remote_bright_with_a_dark_rim_and_too_late_makes_it_grey():
    label, signed = heart()
    for mask in (label, None):
        short, late = (
            InversionTimeError(e, T1, TI, T, "magnitude", spacing=(1, 1, 8))(signed.abs(), mask=mask) for e in (-60, 60)
        )
        blood, remote, _ = middles(short)
        assert remote > 0.08 * PD
        if mask is not None:
            assert short[0, 10, 11:14, 0].min() < 0.6 * min(blood, remote)  # zero crossing at the endocardium
        assert middles(late)[1] > 0.05 * PD
        ratio = [float(middles(v)[2] / middles(v)[1]) for v in (signed.abs() + 1, late)]
        assert ratio[1] < 0.2 * ratio[0]


def test_without_a_mask_the_percentile_tissue_and_the_null_follow_the_closed_form():
    t1 = torch.linspace(BRIGHT_T1 * 480, 480, 400, dtype=torch.float64)
    image = PD * torch.from_numpy(inversion_recovery(t1.numpy(), TI, T)).view(1, 20, 20, 1)
    image = torch.where(
        image >= np.percentile(image, 98.5), image.max(), image
    )  # so that the 99th percentile is the maximum
    moved = InversionTimeError(50, None, TI, T, "psir", spacing=(5, 5, 8))(image)
    sure = image > 0.45 * image.max()  # no doubt that there is tissue
    expected = PD * torch.from_numpy(inversion_recovery(t1.numpy(), TI + 50, T)).view(1, 20, 20, 1)
    known = sure & (image < image.max())
    torch.testing.assert_close(moved.as_tensor()[known], expected[known], atol=2e-3 * PD, rtol=0)


@given(seed=st.integers(0, 99), error=errors)
@settings(deadline=None, max_examples=20)
def test_intensity_model_keeps_the_order_of_intensities_in_psir(seed, error):
    signal = (
        torch.rand(64, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).sort().values * 1.3 - 0.3
    )
    assert (signal + signal_change(signal, TI, error, T)).diff().min() > -1e-9


@pytest.mark.parametrize("display", ["psir", "magnitude"])
@pytest.mark.parametrize("masked", [True, False])
def test_result_scales_with_the_image_and_no_error_is_the_identity(display, masked):
    label, image = heart(TI - 20)
    image = image + 20 * torch.randn(image.shape, generator=torch.Generator().manual_seed(1))
    image, mask = (image if display == "psir" else image.abs()), (label if masked else None)

    def shown(error, factor):
        return InversionTimeError(error, T1, TI - 20, T, display, spacing=(1.5, 1.5, 8))(factor * image, mask=mask)

    assert torch.equal(shown(0, 1).as_tensor(), image)
    torch.testing.assert_close(shown(40, 64), 64 * shown(40, 1))
    torch.testing.assert_close(shown(0.01, 1).as_tensor(), image, atol=0.1, rtol=1e-3)


def test_noise_of_labelled_tissue_stays_as_it_is():
    label, signed = heart()
    noise = 30 * torch.randn(signed.shape, generator=torch.Generator().manual_seed(2))
    moved = InversionTimeError(40, T1, TI, T, "psir", spacing=(1.5, 1.5, 8))(signed + noise, mask=label)
    change = (moved.as_tensor() - signed - noise)[0, 2:-2, 14:22]
    assert change.std() < 0.01 and change.mean() > 0.05 * PD


def test_stored_zero_is_kept():
    label, signed = heart()
    make = [InversionTimeError(-50, T1, TI, T, "psir", zero, spacing=(1, 1, 8)) for zero in (0.0, 2048.0)]
    torch.testing.assert_close(make[1](signed + 2048, mask=label), make[0](signed, mask=label) + 2048)


def test_auto_takes_images_with_negative_values_for_phase_sensitive():
    label, signed = heart(TI - 60)
    by_sign = InversionTimeError(30, T1, TI - 60, T, spacing=(1, 1, 8))
    for image, display in ((signed, "psir"), (signed.abs(), "magnitude")):
        named = InversionTimeError(30, T1, TI - 60, T, display, spacing=(1, 1, 8))
        torch.testing.assert_close(by_sign(image, mask=label), named(image, mask=label))


def test_wide_dark_regions_change_less_than_a_dark_wall():
    image = torch.zeros(1, 80, 40, 1)
    image[:, 40:] = 1000.0
    image[:, 55:61] = 0.0  # a nulled wall of 9 mm; the first 40 columns are air
    moved = InversionTimeError(60, spacing=(1.5, 1.5, 8))(image)
    assert moved[0, 58, 20, 0] > 200
    assert moved[0, :25].max() == 0


def test_lung_beside_tissue_stays_dark_where_labels_tell_the_myocardium():
    image, label = torch.zeros(1, 80, 40, 1), torch.zeros(1, 80, 40, 1, dtype=torch.uint8)
    image[:, 40:] = 1000.0  # the first 40 columns are lung, and the last 2 of these nulled myocardium
    image[:, 70:74] = 0.0  # a dark band within tissue, without a label
    label[:, 38:40], label[:, 50:60] = 2, 1
    moved = InversionTimeError(60, T1, TI, T, "magnitude", spacing=(1.5, 1.5, 8))(image, mask=label)
    assert moved[0, :37].max() < 10
    assert moved[0, 38:40].min() > 200 and moved[0, 72].min() > 200
    alone = InversionTimeError(60, None, TI, T, "magnitude", spacing=(1.5, 1.5, 8))(image)
    assert alone[0, 38].min() > 200  # without labels the free wall is found at the price of the lung beside it


def test_each_slice_is_changed_for_itself():
    label, signed = heart()
    scale = torch.linspace(0.6, 1.2, 11)
    image, mask = signed.abs() * scale, label.expand(-1, -1, -1, 11)
    back = torch.arange(10, -1, -1)
    for labels in (None, mask):
        transform = InversionTimeError(-40, T1, TI, T, "magnitude", spacing=(1.5, 1.5, 8))
        flipped = transform(image[..., back], mask=labels)
        torch.testing.assert_close(flipped[..., back].as_tensor(), transform(image, mask=labels).as_tensor())


def test_tissue_density_is_one_where_bright_and_between_0_and_1():
    image = torch.rand(1, 30, 31, 2, generator=torch.Generator().manual_seed(3))
    density = tissue_density(image, (0.2, 0.9), (3, 2), (3, 2))
    assert density.min() >= 0 and density.max() <= 1
    assert tissue_density(torch.ones(1, 9, 9, 1), (0.2, 0.9), (3, 2), (3, 2)).min() == 1


def test_density_of_tissue_comes_from_the_best_determined_label():
    label, signed = heart()
    assert full_signal(signed, label, {k: closed_form(t1, TI, T) for k, t1 in T1.items()}) == pytest.approx(
        PD, rel=1e-4
    )
    assert full_signal(signed, label, {2: closed_form(480.0, TI, T)}) is None  # nulled tissue tells nothing


@pytest.mark.parametrize("value", [0.0, -3.0])
def test_image_without_signal_stays(value):
    image = torch.full((1, 9, 9, 1), value)
    assert torch.equal(InversionTimeError(30, spacing=(1, 1, 8))(image).as_tensor(), image)


def test_random_errors_lie_in_their_range():
    transform = RandInversionTimeError(1.0, (-20, 50)).set_random_state(0)
    drawn = [transform.draw((1, 8, 8, 1)).error_ms for _ in range(300)]
    assert -20 <= min(drawn) < -17 and 47 < max(drawn) <= 50


def test_dictionary_form_takes_the_mask():
    label, signed = heart()
    data = {"image": signed, "label": label}
    by_key = InversionTimeErrord("image", 40, T1, TI, T, "psir", spacing=(1, 1, 8), mask_key="label")(data)["image"]
    array = InversionTimeError(40, T1, TI, T, "psir", spacing=(1, 1, 8))(signed, mask=label)
    torch.testing.assert_close(by_key, array)


@pytest.mark.parametrize(
    "arguments, name",
    [
        ({"ti_ms": 0}, "ti_ms"),
        ({"ti_ms": 900}, "ti_ms"),
        ({"error_ms": -400}, "error_ms"),
        ({"error_ms": math.nan}, "error_ms"),
        ({"t1_ms": {}}, "t1_ms"),
        ({"t1_ms": {1: -5}}, "t1_ms"),
        ({"display": "phase"}, "display"),
        ({"zero": 2048}, "zero"),
    ],
)
def test_wrong_arguments_are_named(arguments, name):
    with pytest.raises(ValueError, match=name):
        InversionTimeError(**{"error_ms": 10, **arguments})
    if name == "error_ms":
        with pytest.raises(ValueError, match=name):
            RandInversionTimeError(1.0, (arguments["error_ms"], 0))


def test_missing_spacing_and_masks_of_many_channels_are_refused():
    label, signed = heart()
    with pytest.raises(ValueError, match="spacing"):
        InversionTimeError(10)(signed)
    with pytest.raises(ValueError, match="mask"):
        InversionTimeError(10, T1, spacing=(1, 1, 8))(signed, mask=label.repeat(2, 1, 1, 1))
