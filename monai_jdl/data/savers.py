"""How MONAI's ``SaveImaged`` names and writes the files of a case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai.config import PathLike
from monai.data import NibabelWriter
from monai.data.folder_layout import default_name_formatter
from monai.transforms import Transform

from monai_jdl.atomic import atomic_path


def case_output_name(metadict: Mapping[str, Any], saver: Transform) -> dict[str, Any]:
    """``output_name_formatter`` for ``SaveImaged``: files go to ``OUT/<case>/<case>_<postfix>``.

    ``metadict["case"]`` is set by :class:`monai_jdl.data.CaseDataset`; without it MONAI's default name is used.
    """
    if "case" not in metadict:
        return default_name_formatter(dict(metadict), saver)
    return {"subject": f"{metadict['case']}.nii", "idx": None}  # MONAI drops what follows the last dot


class AtomicNibabelWriter(NibabelWriter):
    """MONAI's NIfTI writer, but a file appears under its name only when it is whole."""

    def write(self, filename: PathLike, verbose: bool = False, **obj_kwargs: Any) -> None:
        """As :meth:`monai.data.NibabelWriter.write`."""
        with atomic_path(str(filename)) as temporary:
            super().write(temporary, verbose=verbose, **obj_kwargs)
