"""Names and folders of image files: what is an image, what is a label, what to call a case."""

from __future__ import annotations

import itertools
import os
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from monai_jdl.errors import InputError

NIFTI_SUFFIXES = (".nii", ".nii.gz")
ITK_SUFFIXES = (".nrrd", ".nhdr", ".mha", ".mhd")
VOLUME_SUFFIXES = (*NIFTI_SUFFIXES, *ITK_SUFFIXES)

_LABEL_FOLDER = re.compile(r"labels?(tr|ts)?|masks?|contours|seg|segmentations?", re.IGNORECASE)
_LABEL_NAME = re.compile(r"([-_.](seg|label|labels|mask|masks|gt|prob))$", re.IGNORECASE)


def folder_files(folder: str | Path) -> list[Path]:
    """All files below a folder in a fixed order, hidden ones (``._x`` of macOS, unfinished writes) left out."""
    found = []
    for root, folders, names in os.walk(folder, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(root) / name for name in sorted(names) if not name.startswith(".")]
    return found


def find_files(path: str | Path, wanted: Callable[[Path], bool], what: str, kinds: str) -> list[Path]:
    """The wanted files of a folder and its subfolders in a fixed order, or the one file that is named, whatever it is.

    Args:
        path: folder or file.
        wanted: of a folder's files.
        what: name of one such thing, for the messages, e.g. ``ECG page``.
        kinds: what that may be, e.g. ``picture, PDF or DICOM``.

    Raises:
        InputError: nothing is there, or nothing wanted.
    """
    path = Path(path).expanduser().absolute()
    if not path.exists():
        raise InputError(f"{path} does not exist; give a folder or an {what}.")
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(f"{path} is neither a file nor a folder; give a folder or an {what}.")
    found = [file for file in folder_files(path) if wanted(file)]
    if not found:
        holds = "is empty" if not any(path.iterdir()) else f"holds no {what} ({kinds})"
        raise InputError(f"{path} {holds}; give a folder with {what}s.")
    return found


def is_volume_name(path: Path) -> bool:
    """Whether a file is named as NIfTI, NRRD or MetaImage."""
    return path.name.lower().endswith(VOLUME_SUFFIXES)


def stem(path: Path) -> str:
    """File name without its volume suffix (``.nii.gz`` counts as one) or any other last suffix."""
    for suffix in sorted(VOLUME_SUFFIXES, key=len, reverse=True):
        if path.name.lower().endswith(suffix):
            return path.name[: -len(suffix)]
    return path.stem


def is_label_name(path: Path, root: Path) -> bool:
    """Whether a file below ``root`` is a label map by its name (``x_seg``, ``x_label``, ``x_mask``, ``x_gt``,
    ``x_prob``) or a folder's (``labels``, ``labelsTr``, ``masks``, ``Contours``, ...)."""
    folders = path.relative_to(root).parts[:-1]
    return bool(_LABEL_NAME.search(stem(path))) or any(_LABEL_FOLDER.fullmatch(part) for part in folders)


def case_names(parts: Sequence[Sequence[str]]) -> list[str]:
    """Unique names, safe as folder names, for cases known by their path below the data folder.

    A case is named by the last component where no other case ends so; else by the first; else by the whole path joined by
    ``_``; what is still double gets a number.

    Args:
        parts: per case the path components, file suffix left out; not empty.
    """
    names: dict[int, str] = {}
    taken: set[str] = set()  # in lower case, for file systems that do not tell cases apart
    for shorten in (lambda path: path[-1:], lambda path: path[:1], lambda path: path):
        candidates = {index: _safe(shorten(path)) for index, path in enumerate(parts) if index not in names}
        counts = Counter(name.lower() for name in candidates.values())
        for index, name in candidates.items():
            if counts[name.lower()] == 1 and name.lower() not in taken:
                names[index] = name
        taken = {name.lower() for name in names.values()}
    for index, path in enumerate(parts):
        if index not in names:
            name = _safe(path)
            numbered = (name if count == 1 else f"{name}_{count}" for count in itertools.count(1))
            names[index] = next(candidate for candidate in numbered if candidate.lower() not in taken)
            taken.add(names[index].lower())
    return [names[index] for index in range(len(parts))]


def _safe(path: Sequence[str]) -> str:
    return re.sub(r"[^A-Za-z0-9.+-]+", "_", "_".join(path)).strip("._") or "case"


def check_output_dir(path: str | Path) -> Path:
    """Make an output folder and see that it can be written.

    Returns:
        Its absolute path.

    Raises:
        InputError: it cannot be made or written.
    """
    path = Path(path).expanduser().absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise InputError(
            f"The output folder {path} cannot be written ({error.strerror or error}); give another folder."
        ) from error
    return path
