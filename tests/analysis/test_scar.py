"""Scar burden and detection score."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from monai_jdl.analysis import SCAR_COLUMNS, detection_score, scar_burden, voxel_volume_ml

OBLIQUE = np.array([[-1.1, 0.9, 4.0, 7.0], [0.9, 1.1, -3.0, 8.0], [0.4, -0.2, 9.0, 9.0], [0, 0, 0, 1]])


def test_columns_are_those_of_the_interface():
    expected = (
        "case, myocardium_ml, myocardium_g, scar_ml, scar_g, scar_percent, slices, slices_with_scar, detection_score"
    )
    assert ", ".join(SCAR_COLUMNS) == expected
    assert ("case", *scar_burden(np.zeros((4, 4, 2), np.uint8), np.eye(4))) == SCAR_COLUMNS


def test_boxes_have_their_volume_and_mass():
    label = np.zeros((20, 20, 6), np.uint8)
    label[2:12, 2:12, 1:5] = 1  # 10 x 10 x 4 voxels of 1.5 x 1.5 x 10 mm
    label[2:7, 2:12, 3:5] = 2  # a quarter of them
    burden = scar_burden(label, np.diag([-1.5, -1.5, 10, 1]), 0.7)
    assert burden["myocardium_ml"] == pytest.approx(9.0)
    assert burden["myocardium_g"] == pytest.approx(9.45)
    assert burden["scar_ml"] == pytest.approx(2.25)
    assert burden["scar_g"] == pytest.approx(2.3625)
    assert burden["scar_percent"] == pytest.approx(25)
    assert (burden["slices"], burden["slices_with_scar"], burden["detection_score"]) == (6, 2, 0.7)


def test_oblique_voxel_volume_is_that_of_the_parallelepiped():
    x, y, z = OBLIQUE[:3, :3].T
    assert voxel_volume_ml(OBLIQUE) == pytest.approx(abs(np.dot(np.cross(x, y), z)) / 1000)


def test_no_myocardium_gives_no_percentage():
    burden = scar_burden(np.zeros((4, 4, 2), np.uint8), np.eye(4))
    assert math.isnan(burden["scar_percent"])
    assert burden["myocardium_ml"] == 0
    assert math.isnan(detection_score(np.ones((4, 4)), np.zeros((4, 4), bool)))


def test_score_is_the_mean_of_the_top_two_per_cent_within_the_wall():
    wall = np.zeros((100, 30), bool)
    wall[:, :10] = True
    probability = np.where(wall, 0.1, 1.0)
    probability[:10, 0] = 0.9  # 10 of 1000 voxels, half of the 2 %
    assert detection_score(probability, wall) == pytest.approx(0.5)


def test_one_stray_voxel_in_a_slice_is_no_detection():
    probability = np.zeros(200)
    probability[0] = 1
    assert detection_score(probability, np.ones(200, bool)) == pytest.approx(0.1)


@given(
    hnp.arrays(float, 60, elements=st.floats(0, 1)),
    st.integers(0, 59),
    st.floats(0, 1),
)
def test_a_higher_probability_never_lowers_the_score(probability, where, higher):
    wall = np.arange(60) % 3 > 0
    before = detection_score(probability, wall)
    probability[where] = max(probability[where], higher)
    assert detection_score(probability, wall) >= before - 1e-12
