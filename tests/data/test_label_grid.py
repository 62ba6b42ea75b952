"""A label map must lie on its image's grid and speak its scheme."""

from __future__ import annotations

import numpy as np
import pytest
from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged

from monai_jdl.data import CheckLabelGridd, LabelReader, LGEReader, save_nifti
from monai_jdl.errors import InputError, find_input_error
from tests.data.conftest import OBLIQUE, stack

LOAD = Compose(
    [
        LoadImaged(keys="image", reader=LGEReader()),
        LoadImaged(keys="label", reader=LabelReader()),
        EnsureChannelFirstd(keys=["image", "label"]),
        CheckLabelGridd(keys="label"),
    ]
)


def load(folder, label, affine=OBLIQUE, **item):
    save_nifti(folder / "image.nii.gz", stack(), OBLIQUE)
    save_nifti(folder / "label.nii.gz", label.astype(np.uint8), affine)
    try:
        return LOAD({"image": str(folder / "image.nii.gz"), "label": str(folder / "label.nii.gz"), **item})
    except RuntimeError as error:
        raise find_input_error(error) from None


def label(highest):
    values = np.zeros((8, 6, 5))
    values.flat[: highest + 1] = range(highest + 1)
    return values


def test_a_label_map_that_fits_passes(tmp_path):
    rounded = OBLIQUE + np.full((4, 4), 0.01) * [[1], [1], [1], [0]]
    for item, highest in (({}, 2), ({"label_scheme": "jdl"}, 0), ({"label_scheme": "emidec"}, 4)):
        loaded = load(tmp_path, label(highest), rounded, **item)
        np.testing.assert_array_equal(loaded["label"][0], label(highest))


@pytest.mark.parametrize(
    ("values", "affine", "item", "sentence"),
    [
        (
            np.zeros((8, 6, 4)),
            OBLIQUE,
            {},
            r"has 8 x 6 x 4 voxels but its image .*image\.nii\.gz has 8 x 6 x 5; resample",
        ),
        (label(2), OBLIQUE @ np.diag([1, 1, -1, 1]), {}, r"lies up to 72\.0 mm off its image .*image\.nii\.gz"),
        (label(2), OBLIQUE + np.eye(4)[:, [1, 2, 3, 0]], {}, r"lies up to 8\.7 mm off its image"),
        (label(4), OBLIQUE, {}, r"holds 3, 4, which its scheme 'jdl' does not have \(0 to 2\)"),
        (label(7), OBLIQUE, {"label_scheme": "emidec"}, r"holds 5, 6, 7, which its scheme 'emidec' does not have"),
    ],
)
def test_a_label_map_that_does_not_fit_gives_one_sentence(tmp_path, values, affine, item, sentence):
    with pytest.raises(InputError, match=r"label\.nii\.gz " + sentence):
        load(tmp_path, values, affine, **item)
