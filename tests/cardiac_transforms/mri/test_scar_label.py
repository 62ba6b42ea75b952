"""Label maps and masks: what belongs to the wall, what is scar, what is kept."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from monai.data import MetaTensor

from cardiac_transforms.mri import ScarLabelMap, ScarLabelMapd, ScarScheme, ScarSchemed, ScarTargets, ScarTargetsd

RADIUS = np.hypot(*np.meshgrid(np.arange(40) - 20, np.arange(40) - 20, indexing="ij"))
WALL = np.repeat(((RADIUS > 8) & (RADIUS < 15))[..., None], 3, axis=2)


def probabilities(wall: np.ndarray, scar: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.stack([wall, scar]).astype(np.float32))


def test_emidec_obstruction_is_scar_and_cavity_is_background():
    assert ScarScheme()(torch.tensor([[0, 1, 2, 3, 4]]), "emidec").tolist() == [[0, 0, 1, 2, 2]]


@pytest.mark.parametrize(("label", "scheme"), [([[3]], "jdl"), ([[5]], "emidec"), ([[-1]], "jdl"), ([[0]], "acdc")])
def test_foreign_values_and_schemes_are_refused(label, scheme):
    with pytest.raises(ValueError, match="scheme"):
        ScarScheme()(torch.tensor(label), scheme)


@settings(deadline=None, max_examples=30)
@given(label=arrays(np.uint8, (1, 4, 5, 2), elements=st.integers(0, 2)))
def test_scar_is_part_of_the_myocardium(label):
    myocardium, scar = ScarTargets()(label)
    assert ((scar == 1) <= (myocardium == 1)).all()
    assert (myocardium + scar == label[0]).all()


def test_task_without_annotation_is_nan():
    data = {"label": torch.tensor([[[0, 1, 2]]]), "tasks": ["scar"]}
    myocardium, scar = ScarTargetsd("label")(data)["label"]
    assert torch.isnan(myocardium).all() and scar.tolist() == [[0, 0, 1]]
    assert data["label"].shape == (1, 1, 3)


def test_bare_item_means_jdl_and_both_tasks():
    item = ScarTargetsd("label")(ScarSchemed("label")({"label": torch.tensor([[[0, 1, 2]]])}))
    assert item["label"].tolist() == [[[0, 1, 1]], [[0, 0, 1]]]


def test_scar_outside_the_wall_is_dropped():
    label = ScarLabelMap()(probabilities(WALL, RADIUS[..., None] * np.ones(3) < 10))[0].numpy()
    assert set(np.unique(label[WALL])) == {1, 2} and (label[~WALL] == 0).all()


def test_dark_island_inside_scar_is_scar_but_the_cavity_is_not():
    scar = WALL.copy()
    scar[18:21, 30:33] = False  # an obstruction within the wall
    label = ScarLabelMap()(probabilities(WALL, scar))[0].numpy()
    assert (label[18:21, 30:33] == 2).all() and (label[20, 20] == 0).all()


def test_only_the_largest_piece_is_kept_and_corners_connect():
    wall = WALL.copy()
    wall[1:4, 1:4] = True
    label = ScarLabelMap()(probabilities(wall, wall))[0].numpy()
    assert (label[1:4, 1:4] == 0).all() and (label[WALL] == 2).all()
    diagonal = np.eye(5, dtype=bool)[..., None]
    assert ScarLabelMap()(probabilities(diagonal, ~diagonal)).sum() == 5


def test_thresholds_are_used():
    soft = probabilities(0.4 * WALL, 0.3 * WALL)
    assert ScarLabelMap()(soft).sum() == 0
    label = ScarLabelMapd("pred", threshold=0.35, scar_threshold=0.25)({"pred": soft})["pred"]
    assert (label[0].numpy()[WALL] == 2).all()


def test_geometry_stays_with_the_label_map():
    affine = torch.diag(torch.tensor([1.4, 1.5, 9.0, 1.0], dtype=torch.float64))
    label = ScarLabelMap()(MetaTensor(probabilities(WALL, WALL), affine=affine))
    assert isinstance(label, MetaTensor) and label.dtype == torch.uint8
    torch.testing.assert_close(label.affine, affine)


@pytest.mark.parametrize("shape", [(1, 4, 4, 4), (2, 4, 4)])
def test_wrong_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="shape"):
        ScarLabelMap()(torch.zeros(shape))
