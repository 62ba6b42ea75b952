"""Magnitude and phase-sensitive display."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiac_transforms.mri.kernels.inversion import inversion_recovery, null_time
from cardiac_transforms.mri.phase_sensitive import LGEDisplay, LGEDisplayd, RandLGEDisplay

T1, T = {1: 330.0, 2: 480.0, 3: 300.0}, 1600.0
EARLY = null_time(480.0, T) - 60


def heart(ti=EARLY):
    """Label map of blood, myocardium and scar side by side, and the signed signal, blurred as by an acquisition."""
    label = torch.tensor([1, 2, 3]).repeat_interleave(10).expand(12, -1)[None, ..., None].clone()
    signed = sum(1000 * float(inversion_recovery(t1, ti, T)) * (label == k) for k, t1 in T1.items()).float()
    padded = torch.cat([signed[:, :, :1], signed, signed[:, :, -1:]], 2)
    return label, (padded[:, :, :-2] + 2 * signed + padded[:, :, 2:]) / 4


def test_psir_shows_tissue_below_its_null_as_negative():
    label, signed = heart()
    shown = LGEDisplay("psir", "magnitude", t1_ms=T1, ti_ms=EARLY)(signed.abs(), mask=label)
    torch.testing.assert_close(shown.as_tensor(), signed)
    assert shown[0, 6, 15, 0] < -100 < 0 < shown[0, 6, 5, 0]


@given(zero=st.sampled_from([0.0, 2048.0]), ti=st.floats(150, 500), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_magnitude_of_psir_is_the_magnitude(zero, ti, seed):
    label, _ = heart()
    magnitude = 500 * torch.rand(label.shape, generator=torch.Generator().manual_seed(seed))
    psir = LGEDisplay("psir", "magnitude", zero, T1, ti)(magnitude, mask=label)
    back = LGEDisplay("magnitude", "psir", zero)(psir).as_tensor()
    torch.testing.assert_close(back, magnitude, atol=1e-3, rtol=0)


def test_zero_level_is_grey():
    image = torch.tensor([0.0, 2048.0, 3000.0]).view(1, 3, 1, 1)
    assert LGEDisplay("magnitude", "psir", 2048)(image).flatten().tolist() == [2048, 0, 952]


def test_tissue_past_its_null_and_unlabelled_tissue_stay_positive():
    label, signed = heart(null_time(480.0, T) + 60)
    label[:, :6] = 0
    late = LGEDisplay("psir", "magnitude", t1_ms=T1, ti_ms=null_time(480.0, T) + 60)(signed.abs(), mask=label)
    assert late.min() >= 0
    early = LGEDisplay("psir", "magnitude", t1_ms=T1, ti_ms=EARLY)(heart()[1].abs(), mask=label)
    assert early[:, :6].min() >= 0 > early[:, 6:].min()


def test_bright_unlabelled_neighbours_keep_voxels_at_the_border_positive():
    _, signed = heart()
    label = torch.full_like(signed, 2).long()
    label[:, :, :10] = 0
    image = torch.where(label == 0, 3000.0, 100.0)
    shown = LGEDisplay("psir", "magnitude", t1_ms=T1, ti_ms=EARLY)(image, mask=label)
    assert (shown[:, :, 10] > 0).all() and (shown[:, :, 11:] < 0).all()


def test_other_shows_what_the_image_is_not_and_the_wanted_display_stays():
    label, signed = heart()
    give = {"t1_ms": T1, "ti_ms": EARLY}
    other = LGEDisplay("other", **give)
    torch.testing.assert_close(other(signed).as_tensor(), signed.abs())
    torch.testing.assert_close(other(signed.abs(), mask=label).as_tensor(), signed)
    torch.testing.assert_close(LGEDisplay("magnitude")(signed.abs()).as_tensor(), signed.abs())
    torch.testing.assert_close(LGEDisplay("psir")(signed).as_tensor(), signed)


def test_magnitude_without_labels_is_refused_with_what_is_missing():
    label, signed = heart()
    for transform, mask in (
        (LGEDisplay("psir", t1_ms=T1, ti_ms=EARLY), None),
        (LGEDisplay("psir", ti_ms=EARLY), label),
        (RandLGEDisplay(1.0, t1_ms=T1), label),
    ):
        with pytest.raises(ValueError, match="mask, t1_ms and ti_ms"):
            transform(signed.abs(), mask=mask)


def test_random_display_and_dictionary_form():
    label, signed = heart()
    assert torch.equal(RandLGEDisplay(0.0)(signed).as_tensor(), signed)
    assert torch.equal(RandLGEDisplay(1.0)(signed).as_tensor(), signed.abs())
    give = {"t1_ms": {"1": 330, "2": 480, "3": 300}, "ti_ms": EARLY}  # keys as a JSON file has them
    shown = LGEDisplayd("image", "psir", "magnitude", **give, mask_key="label")({"image": signed.abs(), "label": label})
    torch.testing.assert_close(shown["image"].as_tensor(), signed)


@pytest.mark.parametrize(
    "arguments, name",
    [
        ({"show": "phase"}, "show"),
        ({"display": "real"}, "display"),
        ({"zero": 5.0}, "zero"),
        ({"zero": float("nan"), "display": "psir"}, "zero"),
        ({"ti_ms": 800.0}, "ti_ms"),
        ({"t1_ms": {1: 0.0}}, "t1_ms"),
    ],
)
def test_wrong_arguments_are_named(arguments, name):
    with pytest.raises(ValueError, match=name):
        LGEDisplay(**arguments)
    with pytest.raises(ValueError, match=name):
        RandLGEDisplay(**arguments)
