"""Metrics of masks in closed form, and the rule for empty ones."""

import math

import numpy as np
import pytest

from monai_jdl.analysis import (
    EXTRA_COLUMNS,
    METRICS_COLUMNS,
    case_detection,
    case_metrics,
    detection_score,
)

AFFINE = np.diag([-1.5, -2.0, 10.0, 1.0])
SHAPE = (40, 40, 5)


def box(x, y, z, shape=SHAPE):
    mask = np.zeros(shape, bool)
    mask[slice(*x), slice(*y), slice(*z)] = True
    return mask


def label_map(wall, scar):
    return (wall.astype(np.uint8) + (wall & scar)).astype(np.uint8)


WALL = box((10, 30), (10, 30), (1, 4))
SCAR = box((10, 20), (10, 20), (1, 3))
NONE = np.zeros(SHAPE, bool)


def test_columns_are_those_of_the_interface():
    expected = (
        "case, dice_myocardium, dice_scar, hd95_myocardium_mm, hd95_scar_mm, assd_myocardium_mm, assd_scar_mm, "
        "volume_error_myocardium_ml, volume_error_scar_ml, scar_percent_true, scar_percent_pred, "
        "scar_recall_of_myocardium, scar_outside_myocardium, true_scar_empty, pred_scar_empty"
    )
    assert ", ".join(METRICS_COLUMNS) == expected
    row = case_metrics(label_map(WALL, SCAR), np.stack([WALL, SCAR]), AFFINE)
    assert {"case", "patient", *row} == {*METRICS_COLUMNS, *EXTRA_COLUMNS}


def test_a_perfect_prediction():
    row = case_metrics(label_map(WALL, SCAR), np.stack([WALL, SCAR]), AFFINE)
    for task in ("myocardium", "scar"):
        assert row[f"dice_{task}"] == row[f"emidec_dice_{task}"] == 1
        assert row[f"hd95_{task}_mm"] == row[f"assd_{task}_mm"] == row[f"volume_error_{task}_ml"] == 0
    assert row["scar_percent_true"] == pytest.approx(100 * 200 / 1200)
    assert row["scar_percent_pred"] == pytest.approx(100 * 200 / 1200)
    assert (row["scar_recall_of_myocardium"], row["scar_outside_myocardium"]) == (1, 0)
    assert (row["true_scar_empty"], row["pred_scar_empty"]) == (False, False)


def test_a_shifted_box_in_closed_form():
    """Shifted by 4 of 20 voxels of 1.5 mm: Dice 16/20, the far faces 6 mm apart."""
    row = case_metrics(label_map(np.roll(WALL, 4, axis=0), NONE), np.stack([WALL, NONE]), AFFINE)
    assert row["dice_myocardium"] == pytest.approx(0.8)
    assert row["hd95_myocardium_mm"] == pytest.approx(6)
    assert 0 < row["assd_myocardium_mm"] < 6
    assert row["volume_error_myocardium_ml"] == 0


def test_distances_are_in_mm_along_each_axis():
    plane = [box((20, 21), (0, 40), (0, 5)), box((0, 40), (20, 21), (0, 5)), box((0, 40), (0, 40), (2, 3))]
    for axis, spacing in enumerate((1.5, 2.0, 10.0)):
        moved = np.roll(plane[axis], 2, axis=axis)
        row = case_metrics(label_map(moved, NONE), np.stack([plane[axis], NONE]), AFFINE)
        assert row["hd95_myocardium_mm"] == pytest.approx(2 * spacing)
        assert row["assd_myocardium_mm"] == pytest.approx(2 * spacing)


def test_concentric_spheres():
    """Radii of 10 and 12 mm on a 1 mm grid: Dice 2 r^3 / (r^3 + R^3), surfaces 2 mm apart, volumes of 4/3 pi r^3."""
    radius = np.linalg.norm(np.mgrid[:32, :32, :32] - 15.5, axis=0)
    small, large = radius < 10, radius < 12
    empty = np.zeros_like(small)
    row = case_metrics(label_map(large, empty), np.stack([small, empty]), np.eye(4))
    assert row["dice_myocardium"] == pytest.approx(2 * 10**3 / (10**3 + 12**3), abs=0.01)
    assert row["assd_myocardium_mm"] == pytest.approx(2, abs=0.15)
    assert row["volume_error_myocardium_ml"] == pytest.approx(4 / 3 * math.pi * (12**3 - 10**3) / 1000, rel=0.03)


def test_hd95_leaves_out_a_twentieth_of_the_surface():
    speck = WALL | box((38, 39), (38, 39), (2, 3))
    row = case_metrics(label_map(speck, NONE), np.stack([WALL, NONE]), AFFINE)
    assert row["hd95_myocardium_mm"] == 0
    assert row["assd_myocardium_mm"] > 0


def test_empty_in_both_is_a_true_negative_without_a_score():
    row = case_metrics(label_map(WALL, NONE), np.stack([WALL, NONE]), AFFINE)
    assert (row["true_scar_empty"], row["pred_scar_empty"]) == (True, True)
    for name in ("dice_scar", "hd95_scar_mm", "assd_scar_mm", "scar_recall_of_myocardium", "scar_outside_myocardium"):
        assert math.isnan(row[name]), name
    assert row["volume_error_scar_ml"] == row["scar_percent_true"] == row["scar_percent_pred"] == 0


@pytest.mark.parametrize(("true", "predicted", "error"), [(SCAR, NONE, -6.0), (NONE, SCAR, 6.0)])
def test_empty_in_one_scores_zero(true, predicted, error):
    row = case_metrics(label_map(WALL, predicted), np.stack([WALL, true]), AFFINE)
    assert row["dice_scar"] == 0
    assert math.isnan(row["hd95_scar_mm"])
    assert math.isnan(row["assd_scar_mm"])
    assert row["volume_error_scar_ml"] == pytest.approx(error)


def test_a_heart_that_was_not_found():
    row = case_metrics(label_map(NONE, NONE), np.stack([WALL, SCAR]), AFFINE)
    assert row["dice_myocardium"] == row["dice_scar"] == row["scar_recall_of_myocardium"] == 0
    assert math.isnan(row["scar_percent_pred"])
    assert row["scar_percent_true"] == pytest.approx(100 / 6)


@pytest.mark.parametrize("missing", ["myocardium", "scar"])
def test_a_task_that_was_not_annotated_is_nan_everywhere(missing):
    truth = np.stack([WALL, SCAR]).astype(np.float32)
    truth[("myocardium", "scar").index(missing)] = np.nan
    there = ({"myocardium", "scar"} - {missing}).pop()
    row = case_metrics(label_map(WALL, SCAR), truth, AFFINE, [there], np.stack([WALL, SCAR]))
    assert row[f"dice_{there}"] == row[f"raw_dice_{there}"] == 1
    for name in (f"dice_{missing}", f"hd95_{missing}_mm", f"assd_{missing}_mm", f"volume_error_{missing}_ml"):
        assert math.isnan(row[name]), name
    assert math.isnan(row["scar_percent_true"])
    assert math.isnan(row[f"raw_dice_{missing}"])
    assert math.isnan(row["scar_recall_of_myocardium"]) == (missing == "scar")
    assert math.isnan(row["scar_outside_myocardium"]) == (missing == "myocardium")


def test_shares_of_scar_and_raw_channels():
    """Half of the true scar is covered by the wall; a quarter of the raw scar lies outside the true wall."""
    half_wall = WALL & ~box((10, 15), (0, 40), (0, 5))
    raw_scar = SCAR | box((0, 10), (10, 20), (1, 2)) & ~box((0, 40), (10, 13), (0, 5))
    row = case_metrics(label_map(half_wall, SCAR), np.stack([WALL, SCAR]), AFFINE, raw=np.stack([WALL, raw_scar]))
    assert row["scar_recall_of_myocardium"] == 0.5
    assert row["scar_outside_myocardium"] == 0
    assert row["raw_scar_recall_of_myocardium"] == 1
    assert row["raw_scar_outside_myocardium"] == pytest.approx(70 / 270)
    assert row["raw_dice_scar"] == pytest.approx(2 * 200 / (200 + 270))
    assert row["dice_scar"] == pytest.approx(2 * 100 / (200 + 100))


def test_emidec_dice_is_the_mean_over_all_slices():
    """Of five slices: two perfect, one missed, two empty in both."""
    predicted = WALL & ~box((0, 40), (0, 40), (3, 4))
    row = case_metrics(label_map(predicted, NONE), np.stack([WALL, NONE]), AFFINE)
    assert row["emidec_dice_myocardium"] == pytest.approx((1 + 1 + 0 + 1 + 1) / 5)
    assert row["emidec_dice_scar"] == 1
    assert row["dice_myocardium"] == pytest.approx(2 * 800 / (800 + 1200))


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"\(2, 40, 40, 4\).*\(2, 40, 40, 5\)"):
        case_metrics(label_map(WALL, SCAR), np.stack([WALL, SCAR])[..., :4], AFFINE)


def test_detection_judges_the_slices_of_the_heart():
    predicted = label_map(WALL & ~box((0, 40), (0, 40), (1, 2)), box((10, 20), (10, 20), (2, 4)))
    probability = np.where(predicted == 2, 0.9, 0.2)
    found = case_detection(predicted, np.stack([WALL, SCAR]), scar_probability=probability)
    assert [part["truth"] for part in found["slices"]] == [True, True, False]  # slices 1 to 3
    assert [part["call"] for part in found["slices"]] == [False, True, True]
    assert [part["score"] for part in found["slices"]] == pytest.approx([0, 0.9, 0.9])  # no wall found in the first
    assert (found["truth"], found["call"]) == (True, True)
    assert found["score"] == detection_score(probability, predicted > 0)


def test_detection_without_probabilities_scores_the_share_of_scar():
    found = case_detection(label_map(WALL, SCAR), np.stack([WALL, NONE]))
    assert found["score"] == pytest.approx(1 / 6)
    assert found["slices"][0]["score"] == pytest.approx(1 / 4)
    assert (found["truth"], found["call"]) == (False, True)
    assert case_detection(label_map(WALL, SCAR), np.stack([WALL, NONE]), ["myocardium"]) is None


def test_a_missed_heart_counts_its_slices_with_scar_as_missed():
    truth = np.stack([np.full(SHAPE, np.nan), SCAR])
    found = case_detection(label_map(NONE, NONE), truth, ["scar"])
    assert found["slices"] == [{"truth": True, "call": False, "score": 0.0}] * 2
