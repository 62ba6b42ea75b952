"""DICOM into stacks: order, geometry, rescale, repeats, phases, and what is refused."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file
from scipy.spatial.transform import Rotation

from monai_jdl.data import LGEReader
from monai_jdl.errors import InputError
from tests.data.conftest import OBLIQUE, edit, stack, write_series


def read(path, **options):
    reader = LGEReader(**options)
    array, meta = reader.get_data(reader.read(path))
    return array, meta["affine"]


def shift(frames: pydicom.Dataset, millimetres: float) -> None:
    """Move an image along its normal."""
    axes = np.array(frames.ImageOrientationPatient, float)
    normal = np.cross(axes[:3], axes[3:])
    frames.ImagePositionPatient = [
        f"{v:.8f}" for v in np.array(frames.ImagePositionPatient, float) + millimetres * normal
    ]


@settings(max_examples=25, deadline=None)
@given(
    turn=st.tuples(*[st.floats(-180, 180)] * 3),
    spacing=st.tuples(st.floats(0.7, 2.5), st.floats(0.7, 2.5), st.floats(2, 14)),
    origin=st.tuples(*[st.floats(-300, 300)] * 3),
    slices=st.integers(2, 9),
    seed=st.integers(0, 2**31),
    slope=st.sampled_from([1.0, 0.5, 2.25]),
    intercept=st.sampled_from([0.0, -2048.0, 10.0]),
)
def test_any_oblique_series_comes_back_voxel_by_voxel(turn, spacing, origin, slices, seed, slope, intercept):
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", turn, degrees=True).as_matrix() * spacing
    affine[:3, 3] = origin
    volume = stack(slices, seed=seed % 1000)
    with tempfile.TemporaryDirectory() as folder:
        files = write_series(Path(folder), volume, affine, seed=seed, rescale_slope=slope, rescale_intercept=intercept)
        order = np.random.default_rng(seed).permutation(slices)
        for number, index in enumerate(order):  # neither names, instance numbers nor file dates tell the order
            edit(files[index], lambda image, number=number: setattr(image, "InstanceNumber", str(number)))
        for given_as in (folder, [str(files[index]) for index in order], str(files[0])):
            array, read_affine = read(given_as, series="1")
            np.testing.assert_array_equal(array, (volume * slope + intercept).astype(np.float32))
            np.testing.assert_allclose(read_affine, affine, atol=1e-4)


def test_left_handed_stack_is_read_with_its_slices_reversed(tmp_path):
    left = OBLIQUE @ np.diag([1.0, 1.0, -1.0, 1.0])
    write_series(tmp_path, stack(), left)
    array, affine = read(tmp_path)
    np.testing.assert_array_equal(array, stack()[..., ::-1])
    first = left @ [2, 3, 4, 1]  # the same voxel lies at the same place
    np.testing.assert_allclose(affine @ [2, 3, 0, 1], first, atol=1e-4)


def test_geometry_agrees_with_itk(tmp_path):
    files = write_series(tmp_path, stack(), OBLIQUE)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(file) for file in files])
    image = reader.Execute()
    _, affine = read(tmp_path)
    for index in [(0, 0, 0), (7, 5, 4), (3, 1, 2)]:
        lps = image.TransformIndexToPhysicalPoint(index)
        np.testing.assert_allclose(affine @ [*index, 1], [-lps[0], -lps[1], lps[2], 1], atol=1e-3)


def test_of_a_repeated_position_the_last_acquired_is_kept(tmp_path):
    files = write_series(tmp_path)

    def again(image):
        image.AcquisitionTime = "235900"
        image.PixelData = np.full((image.Rows, image.Columns), 7, "<u2").tobytes()

    def earlier(image):
        image.AcquisitionTime = "000100"
        image.InstanceNumber = "99"
        image.PixelData = np.full((image.Rows, image.Columns), 9, "<u2").tobytes()

    edit(files[2], again, tmp_path / "a_repeat.dcm")
    edit(files[1], earlier, tmp_path / "failed.dcm")
    array, _ = read(tmp_path)
    expected = stack().astype(np.float32)
    expected[..., 2] = 7
    np.testing.assert_array_equal(array, expected)


def test_a_wholly_repeated_stack_is_no_cine(tmp_path):
    for file in write_series(tmp_path):

        def again(image):
            image.AcquisitionTime = "235900"
            image.AcquisitionNumber = "77"
            image.TriggerTime = str(float(image.TriggerTime) + 4)
            image.PixelData = (np.frombuffer(image.PixelData, "<u2") // 2).tobytes()

        edit(file, again, tmp_path / f"x{file.name}")
    array, _ = read(tmp_path)
    np.testing.assert_array_equal(array, stack() // 2)


@pytest.mark.parametrize("by_trigger_time", [True, False])
def test_phases_are_split_in_order_of_time(tmp_path, by_trigger_time):
    for z, file in enumerate(write_series(tmp_path)):

        def late(image, z=z):
            image.PixelData = (4095 - np.frombuffer(image.PixelData, "<u2")).tobytes()
            if by_trigger_time:
                image.TriggerTime = str(700 + 3 * z)
                image.InstanceNumber = "0"
            else:
                del image.TriggerTime
                image.InstanceNumber = str(100 + z)

        edit(file, late, tmp_path / f"{9 - z}.dcm")
        if not by_trigger_time:
            edit(file, lambda image: image.__delattr__("TriggerTime"))
    with pytest.raises(InputError, match="has 2 cardiac phases at each position; choose one with --phase N") as refusal:
        read(tmp_path)
    assert ("trigger times 700-712 ms" in str(refusal.value)) == by_trigger_time
    np.testing.assert_array_equal(read(tmp_path, phase=0)[0], stack())
    np.testing.assert_array_equal(read(tmp_path, phase=1)[0], 4095 - stack())
    with pytest.raises(InputError, match="phase 2 is not among them"):
        read(tmp_path, phase=2)


def test_phases_by_temporal_position(tmp_path):
    """Neither trigger times nor instance numbers tell the phases, and acquisition times look like a repeat."""
    for z, file in enumerate(write_series(tmp_path)):

        def second(image, z=z):
            image.TemporalPositionIdentifier = "2"
            image.AcquisitionTime = f"0800{z:02d}"
            image.InstanceNumber = "0"
            image.PixelData = (4095 - np.frombuffer(image.PixelData, "<u2")).tobytes()

        edit(file, second, tmp_path / f"{z}.dcm")
        edit(file, lambda image: setattr(image, "TemporalPositionIdentifier", "1"))
    np.testing.assert_array_equal(read(tmp_path, phase=0)[0], stack())
    np.testing.assert_array_equal(read(tmp_path, phase=1)[0], 4095 - stack())


def test_a_phase_is_ignored_where_there_is_one(tmp_path):
    write_series(tmp_path)
    np.testing.assert_array_equal(read(tmp_path, phase=3)[0], stack())


def test_a_cine_with_a_lost_image_is_refused(tmp_path):
    files = write_series(tmp_path)
    for file in files[1:]:
        edit(file, lambda image: setattr(image, "TriggerTime", "900"), tmp_path / f"x{file.name}")
    with pytest.raises(InputError, match="2 images at most positions but 1 to 2 at others"):
        read(tmp_path, phase=0)


def test_magnitude_and_psir_in_one_series_are_kept_apart(tmp_path):
    for number, file in enumerate(write_series(tmp_path, display="magnitude", description="DE PSIR SAX")):

        def psir(image, number=number):
            image.ImageType = ["ORIGINAL", "PRIMARY", "R", "PSIR"]
            image.RescaleIntercept = "-2048"
            image.InstanceNumber = str(2 * number)

        edit(file, psir, tmp_path / f"{number}.dcm")
    np.testing.assert_array_equal(read(tmp_path)[0], stack() - 2048.0)
    np.testing.assert_array_equal(read(tmp_path, series="magnitude")[0], stack())


def test_a_missing_slice_is_found_anywhere_inside(tmp_path):
    files = write_series(tmp_path, stack(6))
    for lost in files[1:-1]:
        kept = lost.read_bytes()
        lost.unlink()
        with pytest.raises(
            InputError, match=r"slice missing between slices \d and \d .*18\.0 mm apart, the others 9\.0 mm"
        ):
            read(tmp_path)
        lost.write_bytes(kept)


def test_uneven_distances_are_refused_and_rounding_is_not(tmp_path):
    files = write_series(tmp_path)
    edit(files[2], lambda image: shift(image, 0.4))
    assert read(tmp_path)[0].shape == (8, 6, 5)
    edit(files[2], lambda image: shift(image, 1.5))
    with pytest.raises(InputError, match="unevenly spaced"):
        read(tmp_path)


def test_slices_shifted_sideways_share_no_grid(tmp_path):
    files = write_series(tmp_path)

    def aside(image):
        row = np.array(image.ImageOrientationPatient[:3], float)
        image.ImagePositionPatient = [f"{v:.6f}" for v in np.array(image.ImagePositionPatient, float) + 5 * row]

    edit(files[2], aside)
    with pytest.raises(InputError, match=r"shifted sideways by up to 5\.0 mm"):
        read(tmp_path)


def test_one_slice_is_no_stack(tmp_path):
    for file in write_series(tmp_path)[1:]:
        file.unlink()
    with pytest.raises(InputError, match=r"single slice.*give a series of parallel short-axis slices"):
        read(tmp_path)


def test_radial_long_axis_views_are_no_stack(tmp_path):
    for number, file in enumerate(write_series(tmp_path)):
        turn = Rotation.from_euler("x", 36 * number, degrees=True).as_matrix()

        def rotate(image, turn=turn):
            axes = np.array(image.ImageOrientationPatient, float).reshape(2, 3) @ turn.T
            image.ImageOrientationPatient = [f"{v:.9f}" for v in axes.ravel()]

        edit(file, rotate)
    with pytest.raises(InputError, match="5 images or groups of different orientation"):
        read(tmp_path)


def test_mixed_matrix_sizes_are_refused(tmp_path):
    file = write_series(tmp_path)[4]

    def larger(image):
        image.Rows, image.Columns = 12, 10
        image.PixelData = bytes(2 * 12 * 10)

    edit(file, larger)
    with pytest.raises(InputError, match=re.escape("mixes matrix or pixel sizes (8 x 6, 10 x 12)")):
        read(tmp_path)


def test_a_report_is_no_image(tmp_path):
    shutil.copy(get_testdata_file("test-SR.dcm"), tmp_path / "report.dcm")
    with pytest.raises(InputError, match=r"report\.dcm holds no image placed in the patient"):
        read(tmp_path)
    write_series(tmp_path / "lge")
    np.testing.assert_array_equal(read(tmp_path)[0], stack())


@pytest.mark.parametrize("slices", [3, 4])  # the rest is too few for a stack, or is one
def test_a_file_cut_anywhere_is_named(tmp_path, slices):
    last = write_series(tmp_path, stack(slices))[-1]  # an end slice: no gap would tell that it is gone
    whole = last.read_bytes()
    for keep in range(0, len(whole), 23):
        last.write_bytes(whole[:keep])
        with pytest.raises(InputError, match=rf"{last.name} cannot be (read|decoded).*copy it again"):
            read(tmp_path)


@pytest.mark.parametrize(
    "name",
    ["RLE", "jp2klossless", "jpeg_ls_lossless", "bigendian", "implicit", "expb"],
)
def test_every_transfer_syntax_gives_the_same_pixels(tmp_path, name):
    plain = pydicom.dcmread(get_testdata_file("MR_small.dcm")).pixel_array.T.astype(np.float32)
    path = get_testdata_file(f"MR_small_{name}.dcm")
    for z in range(3):

        def place(image, z=z):
            image.ImagePositionPatient = [0, 0, 5 * z]
            image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
            image.RescaleSlope, image.RescaleIntercept = "2", "-3"
            image.InstanceNumber = str(z)

        edit(path, place, tmp_path / f"{z}.dcm")
    expected = pydicom.dcmread(path).pixel_array.T if name in ("bigendian", "implicit", "expb", "RLE") else plain
    array, _ = read(tmp_path)
    np.testing.assert_array_equal(array[..., 1], 2.0 * expected - 3)


def test_enhanced_multi_frame(tmp_path):
    volume = stack()
    single = [pydicom.dcmread(file) for file in write_series(tmp_path / "classic", volume)]
    order = [3, 0, 4, 1, 2]
    whole = pydicom.dcmread(write_series(tmp_path / "classic", volume)[0])
    whole.SOPClassUID = whole.file_meta.MediaStorageSOPClassUID = pydicom.uid.EnhancedMRImageStorage
    groups = []
    for index in order:
        group, position, timing = pydicom.Dataset(), pydicom.Dataset(), pydicom.Dataset()
        position.ImagePositionPatient = single[index].ImagePositionPatient
        timing.NominalCardiacTriggerDelayTime = 600.0
        group.PlanePositionSequence, group.CardiacSynchronizationSequence = [position], [timing]
        groups.append(group)
    shared, plane, measures, values = (pydicom.Dataset() for _ in range(4))
    plane.ImageOrientationPatient = whole.ImageOrientationPatient
    measures.PixelSpacing = whole.PixelSpacing
    values.RescaleSlope, values.RescaleIntercept = "1", "-100"
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [plane], [measures]
    shared.PixelValueTransformationSequence = [values]
    for name in (
        "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope", "RescaleIntercept", "TriggerTime",
    ):  # fmt: skip
        delattr(whole, name)
    whole.NumberOfFrames = len(order)
    whole.SharedFunctionalGroupsSequence, whole.PerFrameFunctionalGroupsSequence = [shared], groups
    whole.PixelData = b"".join(single[index].PixelData for index in order)
    path = tmp_path / "enhanced.dcm"
    whole.save_as(path)
    array, affine = read(path)
    np.testing.assert_array_equal(array, volume - 100.0)
    np.testing.assert_allclose(affine, OBLIQUE, atol=1e-4)
