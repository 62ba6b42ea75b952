"""ECG pages from pictures, folders and through MONAI: every format and colour gives what a person would see."""

from __future__ import annotations

import re
import struct

import numpy as np
import pytest
from monai.data import DataLoader
from monai.data import Dataset as Items
from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged
from PIL import Image, ImageCms

from monai_jdl.data import (
    ECGPageReader,
    find_pages,
    load_page,
)
from monai_jdl.errors import InputError, find_input_error
from tests.data.ecg_files import (
    H,
    W,
    assert_page_refused,
    dicom,
    grey,
    picture,
    png,
    save,
    written,
)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.webp", "a.bmp", "a.gif", "named_wrongly.jpg.png"])
def test_formats_give_the_same_picture(tmp_path, name):
    options = (
        {"quality": 95, "subsampling": 0} if name.endswith(".jpg") else {"lossless": True} if "webp" in name else {}
    )
    loaded = load_page(save(tmp_path / name, format="JPEG" if "wrongly" in name else None, **options))
    assert loaded.image.dtype == np.uint8 and loaded.image.flags.writeable and loaded.path == tmp_path / name
    inner = np.ones((H, W), bool)
    inner[H // 2 - 8 : H // 2 + 8] = inner[:, W // 2 - 8 : W // 2 + 8] = False  # JPEG blocks that straddle an edge
    assert np.abs(loaded.image.astype(int) - picture())[inner].max() <= 3
    assert loaded.page == 0 and loaded.notes == ()


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone(tmp_path, suffix, orientation):
    # EXIF 2.32: which edges of the true picture the stored rows and columns begin at
    store = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / f"a{suffix}", np.ascontiguousarray(store(picture())), exif=exif, quality=95)
    loaded = load_page(path).image
    assert loaded.shape == (H, W, 3)
    for y, x in ((60, 80), (180, 80), (60, 240), (180, 240)):
        assert np.abs(loaded[y, x].astype(int) - picture()[y, x]).max() <= 4


def test_damaged_exif_does_not_cost_the_picture(tmp_path):
    path = save(tmp_path / "a.jpg", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff\x00\x00", quality=95)
    assert load_page(path).image.shape == (H, W, 3)


def test_cmyk(tmp_path):
    for name in ("a.jpg", "a.tif"):
        path = save(
            tmp_path / name, Image.fromarray(picture()).convert("CMYK"), **({"quality": 95} if "jpg" in name else {})
        )
        loaded = load_page(path).image
        assert np.abs(loaded[60, 80].astype(int) - (220, 30, 40)).max() <= 4, name
        assert loaded[180, 240].min() >= 252, name  # paper stays white: CMYK JPEGs are stored inverted


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "tRNS"])
def test_transparent_is_paper(tmp_path, mode):
    ink = np.zeros((H, W), bool)
    ink[100:110] = True
    alpha = np.where(ink, 255, 0).astype(np.uint8)
    black = np.zeros(
        (H, W), np.uint8
    )  # a trace of black ink on nothing, which a careless reader shows as black on black
    if mode == "RGBA":
        path = save(tmp_path / "a.png", np.stack([black, black, black, alpha], axis=2))
    elif mode == "LA":
        path = save(tmp_path / "a.png", Image.merge("LA", [Image.fromarray(black), Image.fromarray(alpha)]))
    elif mode == "P":
        indexed = Image.fromarray(ink.astype(np.uint8))
        indexed.putpalette([0, 0, 0, 0, 0, 0])
        path = save(tmp_path / "a.png", indexed, transparency=0)
    else:
        path = save(
            tmp_path / "a.png", np.where(ink[..., None], 0, 9).astype(np.uint8).repeat(3, 2), transparency=(9, 9, 9)
        )
    assert np.array_equal(load_page(path).image, np.where(ink[..., None], 0, 255).repeat(3, 2))


def test_half_transparent_is_mixed_with_white(tmp_path):
    image = np.full((H, W, 4), (255, 0, 0, 51), np.uint8)  # 20 % red
    assert (
        np.abs(
            load_page(save(tmp_path / "a.webp", image, lossless=True)).image[9, 9].astype(int) - (255, 204, 204)
        ).max()
        <= 1
    )


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("top", [255, 4095, 65535])
def test_sixteen_bit_grey_is_scaled(tmp_path, suffix, top):
    deep = np.tile(np.linspace(0, top, W).round().astype(np.uint16), (H, 1))
    loaded = load_page(save(tmp_path / f"a{suffix}", deep)).image
    assert np.abs(loaded[..., 1].astype(int) - grey()).max() <= 1 and np.ptp(loaded, axis=2).max() == 0


def test_sixteen_bit_colour_float_and_bilevel(tmp_path):
    deep = struct.pack(">3H", 220 * 257, 30 * 257, 40 * 257) * W
    path = written(tmp_path / "deep.png", png(W, H, (b"\0" + deep) * H, depth=16, colour=2))
    assert np.array_equal(load_page(path).image[5, 5], (220, 30, 40))
    path = save(tmp_path / "float.tif", (grey() / np.float32(255)).astype(np.float32))
    assert np.abs(load_page(path).image[..., 0].astype(int) - grey()).max() <= 1
    path = save(tmp_path / "fax.tif", Image.fromarray(grey() > 127), compression="group4")
    assert np.array_equal(load_page(path).image[..., 2], np.where(grey() > 127, 255, 0))


def test_colour_profile(tmp_path):
    linear = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))  # for other channels than the picture has
    loaded = load_page(save(tmp_path / "wrong.png", icc_profile=linear.tobytes()))
    assert np.array_equal(loaded.image, picture()) and "colour profile" in loaded.notes[0]
    loaded = load_page(save(tmp_path / "broken.png", icc_profile=b"nonsense"))
    assert np.array_equal(loaded.image, picture()) and "colour profile" in loaded.notes[0]
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    assert load_page(save(tmp_path / "right.png", icc_profile=srgb.tobytes())).notes == ()
    swapped = bytearray(srgb.tobytes())  # a profile whose red and blue primaries are exchanged
    red, blue = swapped.index(b"rXYZ"), swapped.index(b"bXYZ")
    swapped[red : red + 4], swapped[blue : blue + 4] = b"bXYZ", b"rXYZ"
    name = swapped.index("sRGB".encode("utf-16-be"))
    swapped[name : name + 8] = "mine".encode("utf-16-be")
    loaded = load_page(save(tmp_path / "swapped.png", icc_profile=bytes(swapped))).image
    assert loaded[60, 80, 2] > 180 > 90 > loaded[60, 80, 0]  # the red quarter became blue


def test_pages_of_a_tiff_and_animations(tmp_path):
    images = [Image.fromarray(np.full((H, W, 3), value, np.uint8)) for value in (10, 120, 240)]
    path = tmp_path / "many.tif"
    images[0].save(path, save_all=True, append_images=images[1:])
    assert [int(load_page(path, page=page).image[0, 0, 0]) for page in range(3)] == [10, 120, 240]
    assert_page_refused(path, "3 pages", "0 to 2", "page 3", page=3)
    for name in ("a.gif", "a.webp", "a.png"):
        images[0].save(tmp_path / name, save_all=True, append_images=images[1:])
        loaded = load_page(tmp_path / name)
        assert abs(int(loaded.image[0, 0, 0]) - 10) <= 2 and "animation" in loaded.notes[0]
        assert_page_refused(tmp_path / name, "only one page", page=1)


@pytest.mark.parametrize(
    ("given", "found"), [((300, 300), 300), ((200, 201), 200.5), ((72, 72), None), ((300, 150), None)]
)
def test_dpi_of_a_picture(tmp_path, given, found):
    for suffix in (".png", ".jpg", ".tif"):
        assert (
            load_page(save(tmp_path / f"a{suffix}", dpi=given)).dpi == pytest.approx(found, abs=0.6) if found else True
        )
    assert load_page(save(tmp_path / "b.png", dpi=given)).dpi == (pytest.approx(found, abs=0.1) if found else None)
    assert load_page(save(tmp_path / "none.png")).dpi is None


def test_find_pages(tmp_path):
    (tmp_path / "b").mkdir()
    pages = [save(tmp_path / "a.PNG"), written(tmp_path / "b" / "x.pdf", b"%PDF"), dicom(tmp_path / "b" / "y", grey())]
    for other in ("notes.txt", ".hidden.png", "b/z.csv"):
        (tmp_path / other).write_text("x")
    assert find_pages(tmp_path) == pages
    assert find_pages(pages[1]) == [pages[1]]
    with pytest.raises(InputError, match=r"none does not exist; give a folder or an ECG page"):
        find_pages(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty is empty; give a folder with ECG pages"):
        find_pages(tmp_path / "empty")
    (tmp_path / "empty" / "a.csv").write_text("x")
    with pytest.raises(InputError, match=r"empty holds no ECG page \(picture, PDF or DICOM\)"):
        find_pages(tmp_path / "empty")


@pytest.mark.parametrize("reader", ["monai_jdl.data.ECGPageReader", ECGPageReader, ECGPageReader(dpi=72)])
def test_reader_gives_rows_first(tmp_path, reader):
    load = Compose([LoadImaged(keys="image", reader=reader), EnsureChannelFirstd(keys="image")])
    path = save(tmp_path / "a.png", dpi=(200, 200))
    image = load({"image": str(path)})["image"]
    assert np.array_equal(image.numpy(), picture().transpose(2, 0, 1))
    assert (
        image.meta["path"] == str(path) and image.meta["dpi"] == pytest.approx(200, abs=0.1) and image.meta["page"] == 0
    )
    save(tmp_path / "b.png")
    items = [{"image": str(tmp_path / name)} for name in ("a.png", "b.png")]
    batch = next(iter(DataLoader(Items(items, load), batch_size=2)))["image"]  # an unknown dpi must collate
    assert batch.shape == (2, 3, H, W)


def test_reader_says_what_is_wrong(tmp_path):
    load = LoadImaged(keys="image", reader=ECGPageReader(page=2))
    with pytest.raises(Exception) as caught:
        load({"image": str(save(tmp_path / "a.png"))})
    assert re.search(r"a\.png has only one page.*page 2", str(find_input_error(caught.value)))
    with pytest.raises(InputError, match="one file, not 2"):
        ECGPageReader().get_data(["a.png", "b.png"])
