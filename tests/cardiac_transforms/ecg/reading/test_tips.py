import numpy as np
import pytest

from cardiac_transforms.ecg.reading.tips import with_tips
from tests.cardiac_transforms.ecg.reading.drawn_page import level_rows

SCALE = 8.0


@pytest.mark.parametrize(("above", "below"), [(80, 0), (0, 60), (80, 60)])
def test_a_tall_narrow_stroke_belongs_to_the_row_that_it_hangs_on(above, below):
    ink, rows = level_rows(100, 260)
    ink[100 - above : 101 + below, 200:203] = 1.0
    found = with_tips(rows, ink, SCALE)
    assert found.top[0, 201] == pytest.approx(100 - above - 0.5 if above else 98.5)
    assert found.bottom[0, 201] == pytest.approx(100 + below + 0.5 if below else 101.5)
    others = np.delete(np.arange(400), [200, 201, 202])
    assert np.array_equal(found.top[:, others], rows.top[:, others])
    assert np.array_equal(found.top[1], rows.top[1])


@pytest.mark.parametrize(
    "stroke",
    [
        pytest.param(np.s_[76:100, 200:203], id="as tall as a letter"),
        pytest.param(np.s_[20:100, 200:230], id="too wide for a wave"),
        pytest.param(np.s_[20:90, 200:203], id="apart from the row"),
        pytest.param(np.s_[100:260, 200:203], id="from row to row"),
    ],
)
def test_other_ink_is_left_alone(stroke):
    ink, rows = level_rows(100, 260)
    ink[stroke] = 1.0
    found = with_tips(rows, ink, SCALE)
    assert np.array_equal(found.top, rows.top)
    assert np.array_equal(found.bottom, rows.bottom)


def test_rows_that_were_given_stay_as_they_are():
    ink, rows = level_rows(100)
    ink[20:100, 200:203] = 1.0
    with_tips(rows, ink, SCALE)
    assert rows.top.min() == 98.5


def with_a_wave(ink, rows, row):
    """The same with a QRS complex 5 mm high at column 200 of a row."""
    zero = int(rows.zero[row])
    ink[zero - 40 : zero, 200:203] = 1.0
    rows.top[row, 200:203] = zero - 40.5


STROKE = np.s_[65:90, 202:205]
"""3 mm high and 1 mm above the row at 100."""


def test_a_stroke_above_its_foot_belongs_to_the_row_where_other_rows_are_steep():
    ink, rows = level_rows(100, 260)
    with_a_wave(ink, rows, 1)
    ink[STROKE] = 1.0
    found = with_tips(rows, ink, SCALE)
    assert found.top[0, 203] == pytest.approx(64.5)
    assert found.bottom[0, 203] == pytest.approx(101.5)


@pytest.mark.parametrize("other", [pytest.param(None, id="nothing else is steep"), pytest.param(209, id="a word")])
def test_a_letter_near_a_row_does_not_belong_to_it(other):
    ink, rows = level_rows(100, 260)
    if other:
        with_a_wave(ink, rows, 1)
        ink[STROKE[0], other : other + 14] = 1.0
    ink[STROKE] = 1.0
    assert np.array_equal(with_tips(rows, ink, SCALE).top, rows.top)
