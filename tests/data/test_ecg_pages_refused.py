"""What is no ECG page is refused in one sentence and in time."""

from __future__ import annotations

import runpy
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from monai_jdl.data import (
    load_page,
    time_limit,
)
from monai_jdl.errors import InputError
from tests.data.ecg_files import (
    H,
    W,
    assert_page_refused,
    chunk,
    pdf,
    png,
    save,
    stream,
    written,
)


def test_what_is_no_picture(tmp_path):
    assert_page_refused(tmp_path / "gone.png", "does not exist")
    assert_page_refused(tmp_path, "is a folder")
    assert_page_refused(written(tmp_path / "a.png", b""), "empty (0 bytes)")
    assert_page_refused(written(tmp_path / "b.png", b"I am a letter"), "no picture", "PNG, JPEG")
    assert_page_refused(written(tmp_path / "c.jpg", b"\0\0\0\x18ftypheic" + bytes(99)), "HEIC", "JPEG or PNG")
    assert_page_refused(written(tmp_path / "d.png", b"%!PS-Adobe-3.0 EPSF-3.0\n"), "PostScript")
    with pytest.raises(InputError, match=r"page of .*a\.png must be a whole number from 0, not -1"):
        load_page(tmp_path / "a.png", page=-1)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.webp", "a.bmp", "a.gif"])
def test_truncated_pictures(tmp_path, name):
    noise = np.random.default_rng(0).integers(0, 256, (H, W, 3), dtype=np.uint8)
    whole = save(tmp_path / name, noise).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    assert_page_refused(tmp_path / name, "damaged or cut short", "again")


def test_small_pictures(tmp_path):
    assert_page_refused(save(tmp_path / "dot.png", np.zeros((1, 1), np.uint8)), "1 x 1 pixels", "at least 200 x 100")
    assert_page_refused(save(tmp_path / "line.png", np.zeros((99, 5000), np.uint8)), "5000 x 99 pixels")
    assert_page_refused(save(tmp_path / "square.png", np.zeros((199, 199), np.uint8)), "199 x 199 pixels")
    assert load_page(save(tmp_path / "least.png", np.zeros((100, 200), np.uint8))).image.shape == (100, 200, 3)


def test_picture_over_the_limit_is_refused_before_it_is_decoded(tmp_path):
    path = written(
        tmp_path / "a.png", png(20000, 15000, bytes(1000))
    )  # 300 megapixels; decoding would report the missing rows
    assert_page_refused(path, "more than 100 megapixels", "scale it down", seconds=2)
    path = written(tmp_path / "b.png", png(12000, 9000, bytes(1000)))  # below the size that Pillow refuses by itself
    assert_page_refused(path, "more than 100 megapixels", seconds=2)
    Image.MAX_IMAGE_PIXELS, before = None, Image.MAX_IMAGE_PIXELS  # as other libraries set it
    try:
        assert_page_refused(tmp_path / "a.png", "more than 100 megapixels", seconds=2)
    finally:
        Image.MAX_IMAGE_PIXELS = before


def test_bombs(tmp_path):
    bomb = zlib.compress(bytes(50_000_000), 9)
    start, end = png(W, H, (b"\0" + bytes(W)) * H)[:33], chunk(b"IEND", b"")
    rest = chunk(b"IDAT", zlib.compress((b"\0" + bytes(W)) * H)) + end
    assert_page_refused(written(tmp_path / "text.png", start + chunk(b"zTXt", b"a\0\0" + bomb) + rest), "damaged")
    assert load_page(written(tmp_path / "data.png", start + chunk(b"IDAT", bomb) + end)).image.shape == (H, W, 3)
    values = {256: W, 257: H, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: H, 279: W * H}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in values.items())
    loop = b"II*\0" + struct.pack("<IH", 8, len(values)) + entries + struct.pack("<I", 8)  # its next page is itself
    assert load_page(written(tmp_path / "loop.tif", loop + bytes(W * H))).image.shape == (H, W, 3)
    assert_page_refused(tmp_path / "loop.tif", "only one page", page=5)


def test_decoder_that_runs_away_is_stopped(tmp_path, monkeypatch):
    """Forms that draw the next one ten times, 25 levels deep."""
    monkeypatch.setattr(time_limit, "SECONDS", 2.0)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</XObject<</F 5 0 R>>>>>>",
        stream(b"/F Do"),
    ]
    for number in range(6, 30):
        form = b"/Type/XObject/Subtype/Form/BBox[0 0 600 850]/Resources<</XObject<</F %d 0 R>>>>" % number
        objects.append(stream(b"/F Do " * 10, form))
    objects.append(stream(b"0 0 500 500 re f", b"/Type/XObject/Subtype/Form/BBox[0 0 600 850]"))
    assert_page_refused(written(tmp_path / "a.pdf", pdf(objects)), "longer than 2 s", "PNG", seconds=10)


def test_jpeg_of_thousands_of_scans_is_stopped(tmp_path, monkeypatch):
    """70 kB that keep a JPEG decoder busy for minutes: each scan goes over 100 megapixels and changes nothing."""
    monkeypatch.setattr(time_limit, "SECONDS", 2.0)
    table = struct.pack(">H", 20) + b"%c" + bytes([1] + [0] * 15)
    data = b"\xff\xd8\xff\xdb" + struct.pack(">HB", 67, 0) + bytes([1] * 64)
    data += b"\xff\xc2" + struct.pack(">HBHHB", 11, 8, 10000, 10000, 1) + bytes([1, 0x11, 0])
    data += b"\xff\xc4" + table % b"\x00" + b"\x00" + b"\xff\xc4" + table % b"\x10" + b"\xe0"
    data += b"\xff\xda" + bytes([0, 8, 1, 1, 0, 0, 0, 1]) + bytes(10)
    data += (b"\xff\xda" + bytes([0, 8, 1, 1, 0, 1, 63, 0]) + bytes(4)) * 5000
    assert_page_refused(written(tmp_path / "a.jpg", data + b"\xff\xd9"), "longer than 2 s", seconds=10)


def test_decoder_that_crashes_is_survived(tmp_path):
    source = tmp_path / "decoders.py"
    source.write_text("import os\ndef crash(path):\n    os.abort()\ndef swell(path):\n    return bytes(2**36)\n")
    decoders = runpy.run_path(str(source))
    with pytest.raises(InputError, match=r"a\.tif made its decoder stop .* damaged"):
        time_limit.run_limited(decoders["crash"], tmp_path / "a.tif")
    with pytest.raises(InputError, match=r"a\.tif needs too much memory"):
        time_limit.run_limited(decoders["swell"], tmp_path / "a.tif")
