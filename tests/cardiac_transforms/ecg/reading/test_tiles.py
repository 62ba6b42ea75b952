from __future__ import annotations

import numpy as np
import pytest

from cardiac_transforms.ecg.reading.spectrum import line_signal
from cardiac_transforms.ecg.reading.tiles import tile_lines

from .painted_grid import View, paint


def true_waves(view: View, centres: np.ndarray) -> np.ndarray:
    """Wave vectors ``[N, 2, 2]`` of the 5 mm lines."""
    steps = np.array([[0.5, 0], [0, 0.5]])
    slopes = [view.to_mm(centres + step) - view.to_mm(centres - step) for step in steps]
    return np.stack(slopes, axis=-1) / 5


@pytest.mark.parametrize(
    "view",
    [
        View((700, 900), 5.0),
        View((700, 900), 3.0, angle=12),
        View((700, 900), 7.0, angle=-25),
        View((800, 1000), 4.5, angle=5, tilt=(0.12, -0.08)),
        View((800, 1000), 4.5, bend=4),
    ],
)
def test_spacing_and_direction_are_followed_over_the_picture(view):
    found = tile_lines(line_signal(paint(view)))
    assert found is not None
    assert len(found.centres) > 20
    true = true_waves(view, found.centres)
    away = np.linalg.norm(found.waves - true, axis=2) / np.linalg.norm(true, axis=2)
    assert np.median(away) < 0.03
    assert away.max() < 0.12


@pytest.mark.parametrize(("thin", "thick", "stronger"), [(0.6, 0.6, {4, 9}), (1.0, 0.0, {4}), (0.0, 1.0, {0, 1, 2, 3})])
def test_weights_tell_which_lines_there_are(thin, thick, stronger):
    found = tile_lines(line_signal(paint(View((700, 900), 5.3), thin=thin, thick=thick)))
    assert found is not None
    for weights in found.weights:
        assert stronger & set(np.argsort(-weights)[:2].tolist())
        if not thick:
            assert weights[:4].max() < 0.3 * weights[4]


def test_only_the_part_with_lines_is_taken():
    view = View((800, 1200), 5.0)
    image = paint(view)
    image[:, 700:] = np.random.default_rng(0).normal(120, 20, (800, 500, 3)).clip(0, 255)
    found = tile_lines(line_signal(image))
    assert found is not None
    assert (found.centres[:, 0] < 760).mean() > 0.95
    assert found.centres[:, 0].max() > 550


def test_a_blank_picture_has_no_lines():
    assert tile_lines(line_signal(np.full((600, 800, 3), 230, np.uint8))) is None
