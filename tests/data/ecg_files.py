"""ECG pages and records as files, for the tests that read them."""

from __future__ import annotations

import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
import wfdb
from PIL import Image
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from monai_jdl.data import (
    load_page,
    read_record,
)
from monai_jdl.errors import InputError

H, W = 240, 320


def picture() -> np.ndarray:
    """Four different quarters, so that every turn and flip shows; flat colours, so that JPEG keeps them."""
    image = np.full((H, W, 3), 255, np.uint8)
    image[: H // 2, : W // 2] = (220, 30, 40)
    image[H // 2 :, : W // 2] = (20, 120, 60)
    image[: H // 2, W // 2 :] = (250, 190, 200)
    return image


def grey() -> np.ndarray:
    """A ramp from 0 to 255 along x."""
    return np.tile(np.linspace(0, 255, W).round().astype(np.uint8), (H, 1))


def save(path: Path, image: np.ndarray | Image.Image | None = None, **options) -> Path:
    image = picture() if image is None else image
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(path, **options)
    return path


def assert_page_refused(path: Path, *words: str, seconds: float = 15, **options) -> str:
    """One sentence with the file's name and the words, in time (hundredths of a second; the limit is generous)."""
    began = time.monotonic()
    with pytest.raises(InputError) as caught:
        load_page(path, **options)
    assert time.monotonic() - began < seconds
    sentence = str(caught.value)
    assert path.name in sentence
    for word in words:
        assert word in sentence
    assert sentence.endswith(".") and "\n" not in sentence and "Traceback" not in sentence
    return sentence


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, data: bytes = b"", depth: int = 8, colour: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def pdf(objects: list[bytes], trailer: bytes = b"") -> bytes:
    """A PDF of these objects, of which the first is the catalogue."""
    out, offsets = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    size = len(objects) + 1
    return out + b"trailer <</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF" % (size, trailer, start)


def stream(data: bytes, extra: bytes = b"") -> bytes:
    return b"<</Length %d%s>>stream\n%s\nendstream" % (len(data), extra, data)


def pdf_pages(contents: list[bytes], box: bytes = b"0 0 595 842", trailer: bytes = b"") -> bytes:
    """One page per content stream."""
    kids = b" ".join(b"%d 0 R" % (3 + 2 * page) for page in range(len(contents)))
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, len(contents))]
    for page, content in enumerate(contents):
        objects.append(b"<</Type/Page/Parent 2 0 R/MediaBox[%s]/Contents %d 0 R>>" % (box, 4 + 2 * page))
        objects.append(stream(content))
    return pdf(objects, trailer)


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def dicom(path: Path, stored: np.ndarray, kind: str = "MONOCHROME2", frames: int = 1, **tags) -> Path:
    """A secondary capture with these pixels."""
    bits = stored.dtype.itemsize * 8
    image = pydicom.Dataset()
    image.SOPClassUID, image.SOPInstanceUID = SecondaryCaptureImageStorage, generate_uid(entropy_srcs=[path.name])
    image.Modality, image.PhotometricInterpretation = "OT", kind
    image.SamplesPerPixel = 1 if stored.ndim - (frames > 1) == 2 else 3
    if image.SamplesPerPixel == 3:
        image.PlanarConfiguration = 0
    image.Rows, image.Columns = stored.shape[1:3] if frames > 1 else stored.shape[:2]
    if frames > 1:
        image.NumberOfFrames = frames
    image.BitsAllocated = image.BitsStored = bits
    image.HighBit, image.PixelRepresentation = bits - 1, 0
    image.PixelData = stored.tobytes()
    for keyword, value in tags.items():
        setattr(image, keyword, value)
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.save_as(path, enforce_file_format=True)
    return path


RATE = 250


def signals(seconds: float = 10, rate: float = RATE, seed: int = 0) -> np.ndarray:
    """Different smooth curves of +-1.5 mV, [12, T]; the limb leads obey Einthoven and Goldberger."""
    random = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    found = np.stack([np.sin(2 * np.pi * (f * time + p)) for f, p in random.uniform(0.5, 3, (12, 2))]) * 1.5
    one, two = found[:2] / 2
    found[:6] = one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2
    return found.astype(np.float32)


def assert_record_refused(path: Path, *words: str, name: str | None = None, **options) -> None:
    with pytest.raises(InputError) as caught:
        read_record(path, **options)
    sentence = str(caught.value)
    assert (name or path.name) in sentence
    for word in words:
        assert word in sentence
    assert sentence.endswith(".") and "\n" not in sentence


def some_wfdb(
    folder: Path, names: list[str], values: np.ndarray, name: str = "r", rate: float = RATE, **options
) -> Path:
    """A WFDB record by wfdb itself; ``values`` [C, T]."""
    options = {"units": ["mV"] * len(names), "fmt": ["16"] * len(names)} | options
    wfdb.wrsamp(name, fs=rate, sig_name=names, p_signal=values.T.astype(float), write_dir=str(folder), **options)
    return folder / f"{name}.hea"
