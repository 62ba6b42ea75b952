"""ECG pages from PDF and DICOM: size, windows, colours, and which page."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pydicom
import pytest
from PIL import Image

from monai_jdl.data import (
    load_page,
    page_decoders,
)
from monai_jdl.errors import InputError
from tests.data.ecg_files import (
    H,
    W,
    assert_page_refused,
    dicom,
    grey,
    pdf,
    pdf_pages,
    picture,
    save,
    written,
)


@pytest.mark.parametrize("dpi", [100, 300])
def test_pdf_is_rendered_to_scale(tmp_path, dpi):
    """A red square of 1 inch, its lower left corner 1 inch from the left and 2 inches from the bottom of an A4 page."""
    loaded = load_page(written(tmp_path / "a.pdf", pdf_pages([b"1 0 0 rg 72 144 72 72 re f"])), dpi=dpi)
    assert loaded.image.shape == (-(-842 * dpi // 72), -(-595 * dpi // 72), 3) and loaded.dpi == pytest.approx(dpi)
    red = (loaded.image == (255, 0, 0)).all(axis=2)
    rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
    assert abs(len(rows) - dpi) <= 1 and abs(len(columns) - dpi) <= 1
    assert abs(columns[0] - dpi) <= 1 and abs(rows[-1] - (842 / 72 - 2) * dpi) <= 2
    assert (loaded.image[:10] == 255).all()  # paper


def test_pdf_page_is_chosen_among_five_hundred(tmp_path):
    path = written(tmp_path / "a.pdf", pdf_pages([b"%f g 0 0 595 842 re f" % (page / 500) for page in range(500)]))
    began = time.monotonic()
    assert abs(int(load_page(path, page=250, dpi=60).image[9, 9, 0]) - 127) <= 1
    assert time.monotonic() - began < 15  # all pages would take longer
    assert_page_refused(path, "500 pages", "0 to 499", "page 500", page=500)


def test_large_pdf_page_is_rendered_within_the_limit(tmp_path):
    loaded = load_page(written(tmp_path / "a.pdf", pdf_pages([b""], box=b"0 0 5000 3000")), dpi=1200)
    assert 39e6 < loaded.image.shape[0] * loaded.image.shape[1] <= 40e6
    assert (
        loaded.dpi == pytest.approx(72 * loaded.image.shape[1] / 5000, rel=1e-3)
        and "instead of 1200" in loaded.notes[0]
    )


def test_bad_pdfs(tmp_path):
    encrypted = b"/ID[<00><00>]/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<%s>/U<%s>>>" % (b"11" * 32, b"22" * 32)
    assert_page_refused(written(tmp_path / "a.pdf", pdf_pages([b""], trailer=encrypted)), "encrypted", "password")
    assert_page_refused(written(tmp_path / "b.pdf", b"%PDF-1.7 and nothing else"), "damaged PDF", "export it again")
    assert_page_refused(written(tmp_path / "c.pdf", pdf_pages([])), "damaged PDF")  # no pages
    loop = pdf([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 99>>"])
    assert_page_refused(written(tmp_path / "d.pdf", loop), "damaged page 0")
    assert_page_refused(written(tmp_path / "e.pdf", pdf_pages([b""], box=b"0 0 1000000 1")), "too few")
    with pytest.raises(InputError, match=r"50 to 1200 dpi, not 9000 .*a\.pdf"):
        load_page(tmp_path / "a.pdf", dpi=9000)


def test_decoders_start_without_torch_and_pdfium(tmp_path):
    """The process of a decoder must start in a fraction of a second, and a PNG needs no PDF library."""
    code = (
        "import runpy, sys; runpy.run_path(sys.argv[1])['decode_picture'](sys.argv[2], page=0);"
        "sys.exit(', '.join({'torch', 'monai', 'monai_jdl.data', 'pypdfium2', 'pydicom'} & set(sys.modules)) or None)"
    )
    path = save(tmp_path / "a.png")
    done = subprocess.run(
        [sys.executable, "-c", code, page_decoders.__file__, str(path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_absence_of_pypdfium2_is_said(tmp_path, monkeypatch):
    (tmp_path / "pypdfium2.py").write_text("raise ImportError")
    monkeypatch.syspath_prepend(tmp_path)
    assert_page_refused(written(tmp_path / "a.pdf", pdf_pages([b""])), "needs pypdfium2", "pip install monai_jdl[ecg]")


def test_dicom_windows_and_depths(tmp_path):
    ramp = np.tile(np.arange(W, dtype=np.uint16) * 10, (H, 1))
    plain = load_page(dicom(tmp_path / "a.dcm", ramp)).image[0, :, 0]
    assert np.abs(plain - np.arange(W) * 10 * 255 / 4095).max() <= 1  # needs 12 bits
    windowed = load_page(dicom(tmp_path / "b.dcm", ramp, WindowCenter=1000, WindowWidth=501)).image[0, :, 0]
    expected = ((np.arange(W) * 10 - 999.5) / 500 + 0.5).clip(0, 1) * 255  # PS3.3 C.11.2.1.2.1
    assert np.abs(windowed - expected).max() <= 1
    inverted = load_page(
        dicom(tmp_path / "c.dcm", ramp, "MONOCHROME1", WindowCenter=[1000, 5], WindowWidth=[501, 5])
    ).image[0, :, 2]
    assert np.abs(255 - inverted - expected).max() <= 1
    rescaled = dicom(
        tmp_path / "d.dcm", ramp, RescaleSlope=2, RescaleIntercept=-50, WindowCenter=1950, WindowWidth=1001
    )
    assert np.abs(load_page(rescaled).image[0, :, 1] - expected).max() <= 1
    eight = load_page(dicom(tmp_path / "e.dcm", grey(), NominalScannedPixelSpacing=[0.127, 0.127]))
    assert np.array_equal(eight.image[..., 0], grey()) and eight.dpi == pytest.approx(200)
    two = load_page(dicom(tmp_path / "f.dcm", (grey() > 99).astype(np.uint8), BitsStored=1, HighBit=0)).image
    assert np.array_equal(np.unique(two), [0, 255])


def test_dicom_colours(tmp_path):
    assert np.array_equal(load_page(dicom(tmp_path / "a.dcm", picture(), "RGB")).image, picture())
    assert (
        np.abs(load_page(dicom(tmp_path / "b.dcm", picture().astype("<u2") * 257, "RGB")).image - picture()).max() == 0
    )
    ycc = np.asarray(Image.fromarray(picture()).convert("YCbCr"))
    assert np.abs(load_page(dicom(tmp_path / "c.dcm", ycc, "YBR_FULL")).image.astype(int) - picture()).max() <= 3
    names = ("Red", "Green", "Blue")
    tables = {f"{n}PaletteColorLookupTableDescriptor": [256, 0, 16] for n in names}
    levels = np.arange(256, dtype="<u2") * 257
    tables |= {
        f"{n}PaletteColorLookupTableData": t.tobytes()
        for n, t in zip(names, (levels, levels[::-1], 0 * levels), strict=True)
    }
    loaded = load_page(dicom(tmp_path / "d.dcm", grey(), "PALETTE COLOR", **tables)).image
    assert np.array_equal(loaded, np.stack([grey(), 255 - grey(), 0 * grey()], axis=2))


def test_dicom_frames_and_encapsulated_pdf(tmp_path):
    path = dicom(tmp_path / "a.dcm", np.stack([grey(), 255 - grey()]), frames=2)
    assert (
        np.array_equal(load_page(path, page=1).image[..., 0], 255 - grey())
        and "frame 1 of 2" in load_page(path, page=1).notes
    )
    assert_page_refused(path, "2 pages", "page 2", page=2)
    document = pydicom.dcmread(dicom(tmp_path / "b.dcm", grey()))
    del document.PixelData, document.Rows
    document.EncapsulatedDocument = pdf_pages([b"0 1 0 rg 0 0 595 842 re f"])
    document.save_as(tmp_path / "b.dcm")
    assert np.array_equal(load_page(tmp_path / "b.dcm", dpi=60).image[99, 99], (0, 255, 0))


def test_dicom_that_is_no_page(tmp_path):
    header = pydicom.dcmread(dicom(tmp_path / "a.dcm", grey()))
    del header.PixelData
    header.save_as(tmp_path / "empty.dcm")
    assert_page_refused(tmp_path / "empty.dcm", "pixels", "export it again")
    header.Rows, header.Columns = 20000, 15000
    header.save_as(tmp_path / "huge.dcm")
    assert_page_refused(tmp_path / "huge.dcm", "more than 100 megapixels")
    header.WaveformSequence = [pydicom.Dataset()]
    header.save_as(tmp_path / "wave.dcm")
    assert_page_refused(tmp_path / "wave.dcm", "ECG waveform", "a record already")
    del header.WaveformSequence, header.Rows
    header.save_as(tmp_path / "report.dcm")
    assert_page_refused(tmp_path / "report.dcm", "without an image")
    assert_page_refused(written(tmp_path / "no.dcm", b"abc" * 99), "no DICOM file")
