"""The MONAI readers: formats, what MONAI makes of them, and every kind of bad input."""

from __future__ import annotations

import shutil

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from monai.transforms import Compose, EnsureChannelFirstd, LoadImage, LoadImaged
from pydicom.data import get_testdata_file

from monai_jdl.data import LabelReader, LGEReader, save_nifti
from monai_jdl.errors import InputError, find_input_error
from tests.data.conftest import OBLIQUE, stack, write_series


def get(path, reader=None):
    reader = reader or LGEReader()
    return reader.get_data(reader.read(path))


def write(path, volume=None, affine=OBLIQUE):
    """A volume in the format of its suffix, by a program other than the one that reads it where there is one."""
    volume = stack() if volume is None else volume
    if path.name.endswith((".nii", ".nii.gz")):
        nib.save(nib.Nifti1Image(volume, affine), path)
    else:
        lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
        image = sitk.GetImageFromArray(volume.T)
        size = np.linalg.norm(lps[:3, :3], axis=0)
        image.SetSpacing(size.tolist())
        image.SetDirection((lps[:3, :3] / size).ravel().tolist())
        image.SetOrigin(lps[:3, 3].tolist())
        sitk.WriteImage(image, str(path))
    return path


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "A.NII.GZ", "a.nrrd", "a.mha", "a.mhd", "dicom"])
@pytest.mark.parametrize("reader", ["monai_jdl.data.LGEReader", LGEReader, LGEReader(phase=0)])
def test_every_format_through_monai(tmp_path, name, reader):
    path = tmp_path / name
    if name == "dicom":
        write_series(path)
    elif name.isupper():
        shutil.move(write(tmp_path / name.lower()), path)
    else:
        write(path)
    load = Compose([LoadImaged(keys="image", reader=reader), EnsureChannelFirstd(keys="image")])
    image = load({"image": str(path)})["image"]
    np.testing.assert_array_equal(image[0].numpy(), stack())
    np.testing.assert_allclose(image.affine, OBLIQUE, atol=1e-4)
    assert image.meta["filename_or_obj"] == str(path) and tuple(image.meta["spatial_shape"]) == (8, 6, 5)


def test_geometry_is_that_of_monais_own_reader(tmp_path):
    path = write(tmp_path / "a.nii.gz")
    theirs, ours = LoadImage(image_only=True)(path), LoadImage(reader=LGEReader())(path)
    np.testing.assert_allclose(ours.affine, theirs.affine)
    np.testing.assert_array_equal(ours, theirs)
    assert ours.meta["space"] == theirs.meta["space"]


def test_phase_of_a_four_dimensional_nifti(tmp_path):
    cine = np.stack([stack(seed=s) for s in range(3)], axis=-1)
    path = write(tmp_path / "cine.nii.gz", cine)
    with pytest.raises(
        InputError, match=r"cine\.nii\.gz has 3 cardiac phases; choose one with --phase N, N from 0 to 2"
    ):
        get(path)
    with pytest.raises(InputError, match="phase 3 is not among them"):
        get(path, LGEReader(phase=3))
    np.testing.assert_array_equal(get(path, LGEReader(phase=2))[0], stack(seed=2))
    still = write(tmp_path / "still.nii.gz", stack()[..., None])
    np.testing.assert_array_equal(get(still)[0], stack())
    with pytest.raises(InputError, match="dimensions"):
        get(write(tmp_path / "five.nii", np.stack([cine, cine], axis=-1)))


def test_labels(tmp_path):
    values = np.zeros((8, 6, 5), np.uint8)
    constant = get(write(tmp_path / "none.nii.gz", values), LabelReader())[0]
    assert constant.dtype == np.uint8 and not constant.any()
    values[2] = 4
    np.testing.assert_array_equal(get(write(tmp_path / "some.nrrd", values), LabelReader())[0], values)
    stored = write(tmp_path / "scaled.nii.gz", values * np.float32(0.9999))
    np.testing.assert_array_equal(get(stored, LabelReader())[0], values)
    for wrong in (values - 0.5, values - 1.0, values + 1000.0, np.where(values > 0, np.nan, 0)):
        with pytest.raises(InputError, match=r"wrong\.nii\.gz is no label map"):
            get(write(tmp_path / "wrong.nii.gz", wrong.astype(np.float32)), LabelReader())


def bad_text(path):
    path.write_text("this is text")


def bad_empty(path):
    path.write_bytes(b"")


def bad_truncated(path):
    write(path, stack(5, (64, 64)))
    path.write_bytes(path.read_bytes()[:2000])


def bad_nan(path):
    volume = stack().astype(np.float32)
    volume[1, 2, 3] = np.nan
    write(path, volume)


def bad_infinite(path):
    volume = stack().astype(np.float32)
    volume[1, 2, :2] = np.inf
    write(path, volume)


def bad_constant(path):
    write(path, np.full((8, 6, 5), 3, np.int16))


def bad_flat(path):
    write(path, stack()[..., 0])


def bad_one_slice(path):
    write(path, stack(1))


def bad_colour(path):
    write(path, np.zeros((8, 6, 5), [("R", "u1"), ("G", "u1"), ("B", "u1")]))


def bad_affine(path):
    image = nib.Nifti1Image(stack(), None)
    image.header.set_sform(np.zeros((4, 4)), code=1)
    nib.save(image, path)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: None, "does not exist; check the path"),
        (bad_text, "cannot be read as NIfTI"),
        (bad_empty, "cannot be read as NIfTI"),
        (bad_truncated, "cannot be read as NIfTI and may be cut short"),
        (bad_nan, "holds 1 voxels that are NaN or infinite; replace them"),
        (bad_infinite, "holds 2 voxels that are NaN or infinite"),
        (bad_constant, "has the same intensity 3 everywhere"),
        (bad_flat, r"is a single 2-D slice \(8 x 6\); give a 3-D stack"),
        (bad_one_slice, r"is a single 2-D slice \(8 x 6 x 1\)"),
        (bad_colour, "holds colour or complex values"),
        (bad_affine, "has no usable geometry"),
    ],
)
def test_bad_nifti_gives_one_sentence_through_monai(tmp_path, make, sentence):
    path = tmp_path / "case.nii.gz"
    make(path)
    with pytest.raises(InputError, match=rf"case\.nii\.gz {sentence}") as refusal:
        get(path)
    assert "\n" not in str(refusal.value)
    with pytest.raises(RuntimeError) as wrapped:
        Compose([LoadImaged(keys="image", reader=LGEReader())])({"image": str(path)})
    assert str(find_input_error(wrapped.value)) == str(refusal.value)


@pytest.mark.parametrize("name", ["case.nrrd", "case.mha", "case.mhd"])
def test_bad_itk_files(tmp_path, name):
    (tmp_path / name).write_text("this is text")
    with pytest.raises(InputError, match=f"{name} cannot be read as NRRD or MetaImage"):
        get(tmp_path / name)
    colour = sitk.Image([8, 6, 5], sitk.sitkVectorUInt8, 3)
    sitk.WriteImage(colour, str(tmp_path / name))
    with pytest.raises(InputError, match="holds several values per voxel"):
        get(tmp_path / name)
    sitk.WriteImage(sitk.GetImageFromArray(stack()[..., 0]), str(tmp_path / name))
    with pytest.raises(InputError, match="is a single 2-D slice"):
        get(tmp_path / name)


def test_other_files_and_folders(tmp_path):
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    with pytest.raises(InputError, match=r"picture\.png is neither DICOM nor a volume file"):
        get(tmp_path / "picture.png")
    with pytest.raises(InputError, match="holds no DICOM file"):
        get(tmp_path)
    pair = [str(write(tmp_path / name)) for name in ("a.nii", "b.nii")]
    with pytest.raises(InputError, match=r"a\.nii is neither DICOM"):
        get(pair)
    shutil.copy(get_testdata_file("SC_rgb_rle.dcm"), tmp_path / "screenshot.dcm")
    with pytest.raises(InputError, match=r"screenshot\.dcm holds no image placed in the patient"):
        get(tmp_path / "screenshot.dcm")
    with pytest.raises(InputError, match="whole number from 0, not -1"):
        LGEReader(phase=-1)


def test_saving_twice_gives_the_same_bytes_and_leaves_nothing_else(tmp_path):
    first = save_nifti(tmp_path / "a.nii.gz", stack(), OBLIQUE).read_bytes()
    assert first == save_nifti(tmp_path / "b.nii.gz", stack(), OBLIQUE).read_bytes()
    with pytest.raises(Exception, match="int64"):
        save_nifti(tmp_path / "c.nii.gz", stack().astype(np.int64), OBLIQUE)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.nii.gz", "b.nii.gz"]
