"""Which series of a study is taken, and how to override it."""

from __future__ import annotations

import numpy as np
import pytest

from monai_jdl.data import LGEReader
from monai_jdl.errors import InputError
from tests.data.conftest import edit, stack, write_series


def series(folder, number, description, slices=5, inverted=False, display="magnitude", phases=1):
    """A series whose voxels all equal its number, so that the chosen one can be told (one voxel of phase 0 differs)."""
    volume = np.full((8, 6, slices), number, np.int16)
    volume[0, 0, 0] = 0
    options = {"inversion_times": [300.0 if inverted else 0.0] * slices}
    files = write_series(
        folder / f"{number}", volume, series_number=number, description=description, display=display, **options
    )
    for file in files:
        if not inverted:
            edit(file, lambda image: setattr(image, "ScanningSequence", "GR"))
        for phase in range(1, phases):
            edit(
                file,
                lambda image, t=phase: setattr(image, "TriggerTime", str(800 + 40 * t)),
                file.parent / f"{phase}{file.name}",
            )


def chosen(folder, **options) -> int:
    reader = LGEReader(**options)
    return int(reader.get_data(reader.read(folder))[0].max())


def test_lge_among_the_series_of_a_study(tmp_path):
    series(tmp_path, 1, "localizer", inverted=True)
    series(tmp_path, 2, "cine SAX", slices=9, phases=3)
    series(tmp_path, 3, "LGE 4ch")
    series(tmp_path, 4, "late gad short axis")
    series(tmp_path, 5, "t1map MOLLI SAX", inverted=True, phases=2)
    assert chosen(tmp_path) == 4


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"description": "DE SAX"}, {"description": "SAX"}),  # a name of LGE
        ({"description": "SAX", "inverted": True}, {"description": "SAX", "slices": 9}),  # an inversion recovery
        ({"description": "SAX"}, {"description": "localizer", "inverted": True, "slices": 9}),  # not by name
        ({"description": "LGE sa"}, {"description": "LGE", "slices": 9}),  # short axis by name
        ({"description": "LGE"}, {"description": "LGE 2ch", "slices": 9}),  # before other views
        ({"description": "LGE", "display": "psir"}, {"description": "LGE", "slices": 9}),  # PSIR
        ({"description": "LGE", "slices": 9}, {"description": "LGE"}),  # more slices
        ({"description": "delayed"}, {"description": "viability", "phases": 2}),  # one image per position
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_order_of_the_rule(tmp_path, better, worse, first):
    series(tmp_path, 1 if first else 2, **better)
    series(tmp_path, 2 if first else 1, **worse)
    assert chosen(tmp_path) == (1 if first else 2)


def test_of_equals_the_later_series(tmp_path):
    for number in (3, 11, 7):
        series(tmp_path, number, "LGE SAX")
    assert chosen(tmp_path) == 11


def test_override(tmp_path):
    series(tmp_path, 4, "LGE SAX 10 min")
    series(tmp_path, 5, "LGE SAX 20 min", display="psir")
    series(tmp_path, 6, "cine SAX", phases=2)
    assert chosen(tmp_path) == 5
    assert chosen(tmp_path, series=4) == 4
    assert chosen(tmp_path, series="4") == 4
    assert chosen(tmp_path, series="10 MIN") == 4
    assert chosen(tmp_path, series="magnitude", phase=0) == 4
    assert chosen(tmp_path, series="cine", phase=1) == 6
    _, meta = LGEReader(series="10 min").get_data([str(tmp_path)])
    assert chosen(tmp_path, series=meta["series_uid"]) == 4
    with pytest.raises(InputError, match=r"No series matches 'T2'; there are .*#5 'LGE SAX 20 min' \(psir, 5 slices\)"):
        chosen(tmp_path, series="T2")


def test_psir_named_in_the_description_alone(tmp_path):
    series(tmp_path, 1, "PSIR SAX_PSIR")
    series(tmp_path, 2, "PSIR SAX_MAG")
    assert chosen(tmp_path) == 1


def test_nothing_that_looks_like_lge_is_refused_with_a_list(tmp_path):
    series(tmp_path, 1, "SAX one")
    series(tmp_path, 2, "SAX two")
    with pytest.raises(InputError, match=r"No LGE short-axis stack .*#1 'SAX one'.*#2 'SAX two'.*--series NUMBER"):
        chosen(tmp_path)


def test_the_only_stack_is_taken_whatever_its_name(tmp_path):
    series(tmp_path, 1, "cine SAX")
    series(tmp_path, 2, "LGE 4ch", slices=1)
    assert chosen(tmp_path) == 1


def test_two_studies_in_a_folder_are_refused(tmp_path):
    write_series(tmp_path / "a", patient="A")
    write_series(tmp_path / "b", patient="B")
    with pytest.raises(InputError, match="holds 2 DICOM studies"):
        chosen(tmp_path)
    np.testing.assert_array_equal(LGEReader().get_data([str(tmp_path / "b")])[0], stack())
