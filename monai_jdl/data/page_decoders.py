"""Pixels of a page file: pictures (Pillow), PDF (pypdfium2) and DICOM secondary captures (pydicom).

Nothing here imports ``monai_jdl.data`` or torch: :mod:`monai_jdl.data.time_limit` runs this file in a process of its own, which
has to start in a fraction of a second.

Every decoder returns ``(image, dpi, notes)``: uint8 [H, W, 3] RGB; dots per inch or None; what was done to the picture.
"""

from __future__ import annotations

import io
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError
from PIL.ExifTags import Base

from monai_jdl.errors import InputError

MAX_PIXELS = 100_000_000
"""The most pixels that a picture may have: A4 at 900 dpi."""
MAX_RENDERED_PIXELS = 40_000_000
"""The most pixels that a PDF page is rendered with: A2 at 300 dpi, A4 at 600 dpi."""
FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF")
"""What Pillow may open (MPO comes with JPEG); its other plugins call external programs (EPS) or are never used for pages."""

Decoded = tuple[np.ndarray, float | None, list[str]]


def decode_picture(path: str | Path, *, page: int) -> Decoded:
    """A PNG, JPEG, TIFF, WEBP, BMP or GIF, upright (EXIF), in sRGB, on white where it is transparent.

    Args:
        path: the file. Its size is checked before it is decoded.
        page: of a TIFF with several; of an animation only the first picture, 0, counts.

    Raises:
        InputError: not such a picture, too large, damaged, or without that page.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit here is higher
            picture = Image.open(path, formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise too_large(path) from error
    except UnidentifiedImageError as error:
        raise InputError(_not_a_picture(Path(path))) from error
    with picture:
        notes = []
        if page:
            pages = getattr(picture, "n_frames", 1) if picture.format == "TIFF" else 1
            if page >= pages:
                raise no_such_page(path, page, pages)
            picture.seek(page)
        if picture.format in ("GIF", "PNG", "WEBP") and getattr(picture, "is_animated", False):
            notes.append("the first picture of an animation was taken")
        if picture.width * picture.height > MAX_PIXELS:
            raise too_large(path)
        picture.load()
        dpi = _dpi(picture.info.get("dpi"))
        orientation = _orientation(picture)
        rgb = _to_srgb(picture, notes)
    if orientation != 1:
        rgb.getexif()[Base.Orientation] = orientation
        rgb = ImageOps.exif_transpose(rgb)
        notes.append(f"turned upright by the file's orientation tag ({orientation})")
    return np.array(rgb), dpi, notes


def decode_pdf(path: str | Path, *, page: int, dpi: float) -> Decoded:
    """One page of a PDF, rendered on white.

    Args:
        path: the file.
        page: from 0. The others are not touched.
        dpi: of the rendering; lowered where the picture would have more than :data:`MAX_RENDERED_PIXELS`.

    Raises:
        InputError: pypdfium2 is not installed; encrypted, damaged, without that page.
    """
    return _render(path, Path(path), page, dpi)


def decode_dicom(path: str | Path, *, page: int, dpi: float) -> Decoded:
    """One frame of a DICOM image as its window shows it, or one page of a PDF in DICOM.

    Args:
        path: the file. Its size is checked before its pixels are decoded.
        page: frame or page, from 0.
        dpi: for a PDF.

    Raises:
        InputError: no DICOM, no image, an ECG waveform, too large, damaged, compressed in a way that cannot be read, or without
            that frame.
    """
    import pydicom
    from pydicom.pixels import pixel_array

    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, force=True)
    except Exception as error:  # pydicom raises whatever a damaged element leads to
        raise InputError(f"{path} is no DICOM file or is damaged; export it again.") from error
    if "EncapsulatedDocument" in header:
        return _render(path, bytes(header.EncapsulatedDocument), page, dpi)
    if "WaveformSequence" in header:
        raise InputError(
            f"{path} is an ECG waveform, not a picture; it is a record already (monai-jdl render prints it)."
        )
    if not {"Rows", "Columns", "PhotometricInterpretation"} <= set(header.dir()):
        raise InputError(f"{path} is a DICOM file without an image, or no DICOM file; export the ECG page as an image.")
    if int(header.Rows) * int(header.Columns) > MAX_PIXELS:
        raise too_large(path)
    frames = int(header.get("NumberOfFrames") or 1)
    if page >= frames:
        raise no_such_page(path, page, frames)
    try:
        stored = pixel_array(path, index=page)
    except Exception as error:
        stored_as = getattr(header.file_meta.get("TransferSyntaxUID"), "name", "an unknown encoding")
        raise InputError(
            f"{path} has pixels ({stored_as}) that are damaged, cut short or compressed in a way that cannot be read here; "
            "export it again without compression."
        ) from error
    notes = [f"frame {page} of {frames}"] if frames > 1 else []
    spacing = header.get("NominalScannedPixelSpacing")
    return _dicom_rgb(header, stored), _dpi([25.4 / float(mm) for mm in spacing] if spacing else None), notes


def too_large(path: str | Path) -> InputError:
    """The error for a picture over the limit."""
    return InputError(
        f"{path} has more than {MAX_PIXELS // 10**6} megapixels; scale it down or crop it to the ECG page."
    )


def no_such_page(path: str | Path, page: int, pages: int) -> InputError:
    """The error for a page beyond the end."""
    has = "only one page, number 0" if pages == 1 else f"{pages} pages, numbered 0 to {pages - 1}"
    return InputError(f"{path} has {has}; page {page} is not among them.")


def scale_to_byte(values: np.ndarray, bits: int = 8) -> np.ndarray:
    """Grey values of any depth as uint8.

    White is the highest value of the fewest bits that hold the brightest pixel: 16-bit files may hold 12-bit values.

    Args:
        values: finite, any shape; negative ones are shifted up to 0. Fractions up to 1: 1 is white.
        bits: the fewest bits that a pixel has.
    """
    if values.dtype == np.uint8 and bits == 8:
        return values
    darkest = min(values.min().item(), 0)
    brightest = values.max().item() - darkest
    if brightest <= 1 and bool((values % 1).any()):
        white = 1
    else:
        white = 2 ** max(bits, math.ceil(brightest).bit_length()) - 1
    values = values.astype(np.float32)
    values -= darkest
    values *= np.float32(255 / white)
    return np.rint(values, out=values).astype(np.uint8)


def _to_srgb(picture: Image.Image, notes: list[str]) -> Image.Image:
    profile = picture.info.get("icc_profile")
    if picture.mode == "F" or picture.mode.startswith("I"):
        grey = np.nan_to_num(np.asarray(picture), posinf=0, neginf=0)
        return Image.fromarray(scale_to_byte(grey)).convert("RGB")
    if picture.has_transparency_data:
        if picture.mode == "La":
            picture = picture.convert("LA")
        picture = picture.convert("RGBA")
        paper = Image.new("RGBA", picture.size, "white")
        paper.alpha_composite(picture)
        picture = paper.convert("RGB")
    if profile and picture.mode in ("RGB", "CMYK"):
        picture = _from_profile(picture, profile, notes)
    rgb = picture.convert("RGB")
    rgb.info = {}
    return rgb


def _from_profile(picture: Image.Image, profile: bytes, notes: list[str]) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return picture
        converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):  # broken, or for other channels than the picture has
        notes.append("its colour profile cannot be used and was left out")
        return picture
    return picture if converted is None else converted


def _orientation(picture: Image.Image) -> int:
    """EXIF orientation, 1 to 8; 1 where the tag is absent, wrong or unreadable."""
    try:
        orientation = picture.getexif().get(Base.Orientation, 1)
    except Exception:  # damaged metadata must not cost the picture
        return 1
    return orientation if orientation in range(1, 9) else 1


def _dpi(pair: Any) -> float | None:
    """Mean of the two axes, if they agree within 1 % and can be a page's."""
    try:
        across, down = (float(value) for value in pair)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    mean = (across + down) / 2
    # 72 is what cameras and Pillow write where nothing is known
    plausible = 50 <= mean <= 2400 and abs(mean - 72) > 0.5
    return mean if plausible and abs(across - down) <= 0.01 * mean else None


def _not_a_picture(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(32)
    if start[4:8] == b"ftyp":
        return f"{path} is a HEIC or AVIF picture or a film, which cannot be read here; save it as JPEG or PNG."
    if start.startswith((b"%!PS", b"Rar!", b"PK\x03\x04", b"\x1f\x8b")):
        return f"{path} is PostScript or an archive, not a picture; give the PDF, PNG or JPEG itself."
    return f"{path} is no picture that can be read; give a PNG, JPEG, TIFF, WEBP, BMP, GIF, PDF or DICOM file."


def _render(path: str | Path, source: Path | bytes, page: int, dpi: float) -> Decoded:
    try:
        import pypdfium2 as pdfium
    except ImportError as error:
        raise InputError(f"{path} is a PDF, which needs pypdfium2: pip install monai_jdl[ecg].") from error
    try:
        document = pdfium.PdfDocument(source)
        pages = len(document)
    except pdfium.PdfiumError as error:
        if "password" in str(error).lower() or "security" in str(error).lower():
            raise InputError(f"{path} is encrypted; save it without a password and try again.") from error
        raise InputError(f"{path} is a damaged PDF; export it again, or print the page as PNG.") from error
    if page >= pages:
        raise no_such_page(path, page, pages)
    try:
        opened = document[page]
        width, height = opened.get_size()  # in points of 1/72 inch
        scale = _fitting_scale(path, width, height, dpi)
        rgb = opened.render(scale=scale, rev_byteorder=True).to_numpy()
    except pdfium.PdfiumError as error:
        raise InputError(f"{path} has a damaged page {page}; export it again, or print the page as PNG.") from error
    notes = (
        [] if scale * 72 == dpi else [f"rendered at {scale * 72:.3g} dpi instead of {dpi:g}, as the page is so large"]
    )
    return np.array(rgb), scale * 72, notes


def _fitting_scale(path: str | Path, width: float, height: float, dpi: float) -> float:
    """Pixels per point: of ``dpi``, or the largest that keeps the picture (sides rounded up) within the limit."""
    if not (0 < width < math.inf and 0 < height < math.inf):
        raise InputError(f"{path} has a page without a size; export it again, or print the page as PNG.")
    scale = dpi / 72
    if math.ceil(width * scale) * math.ceil(height * scale) > MAX_RENDERED_PIXELS:
        # (w s + 1) (h s + 1) = limit
        linear, product = width + height, width * height
        scale = (math.sqrt(linear**2 + 4 * product * (MAX_RENDERED_PIXELS - 1)) - linear) / (2 * product)
    return scale


def _dicom_rgb(header: Any, stored: np.ndarray) -> np.ndarray:
    from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi

    kind = header.PhotometricInterpretation
    if kind == "PALETTE COLOR":
        return scale_to_byte(apply_color_lut(stored, header)[..., :3])
    if stored.ndim == 3:  # pixel_array has made YBR into RGB
        return scale_to_byte(stored)
    shown = apply_modality_lut(stored, header)
    if header.get("VOILUTSequence"):
        grey = scale_to_byte(apply_voi(shown, header), int(header.VOILUTSequence[0].LUTDescriptor[2]))
    elif header.get("WindowCenter") is not None and header.get("WindowWidth") is not None:
        centre, width = (np.ravel(header[key].value)[0] for key in ("WindowCenter", "WindowWidth"))
        share = (shown.astype(np.float32) - float(centre) + 0.5) / max(
            float(width) - 1, 1e-3
        ) + 0.5  # PS3.3 C.11.2.1.2.1
        grey = np.rint(255 * share.clip(0, 1)).astype(np.uint8)
    else:
        grey = scale_to_byte(shown, min(8, int(header.BitsStored)))
    if kind == "MONOCHROME1":
        grey = 255 - grey
    return np.repeat(grey[..., None], 3, axis=2)
