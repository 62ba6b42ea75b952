import numpy as np

from cardiac_transforms.ecg.leads import LAYOUTS
from cardiac_transforms.ecg.reading.ink import trace_ink
from cardiac_transforms.ecg.reading.layout import find_leads
from cardiac_transforms.ecg.reading.standardize import canonical_page, mask_text
from tests.cardiac_transforms.ecg.reading.drawn_page import draw_page, made_up_signals

SCALE = 6.0
SIGNALS = made_up_signals(seed=7)
# a record that repeats itself every 2.5 s shows the same in every column of every layout
REPEATED = np.tile(SIGNALS[:, :1250], 4)


def read(layout, **options):
    page = draw_page(REPEATED, 500.0, LAYOUTS[layout], pixels_per_mm=SCALE, **options)
    return page, find_leads(trace_ink(page.image, SCALE), SCALE)


def blurred(page):
    """A canonical page, so coarse that a pixel's difference does not matter."""
    return 255.0 - page[0].reshape(75, 8, 125, 4).mean(axis=(1, 3))


def test_the_canonical_page_does_not_show_which_layout_it_came_from():
    reference = blurred(canonical_page(read("12x1")[1], SCALE))
    for layout, options in (
        ("3x4+1", {"gain": 5.0}),
        ("6x2", {"grid": (150, 150, 150)}),
        ("3x4+1 Cabrera", {"line_mm": 0.5}),
    ):
        page = canonical_page(read(layout, **options)[1], SCALE)
        assert page.shape == (3, 600, 500)
        assert page.dtype == np.uint8
        assert np.corrcoef(reference.ravel(), blurred(page).ravel())[0, 1] > 0.8, layout


def test_the_canonical_page_shows_no_words():
    plain = canonical_page(read("3x4", labels=False, header=False)[1], SCALE)
    worded = canonical_page(read("3x4", labels=True, header=True)[1], SCALE)
    assert np.corrcoef(blurred(plain).ravel(), blurred(worded).ravel())[0, 1] > 0.98


def test_an_unreadable_page_is_white():
    assert canonical_page(find_leads(np.zeros((100, 100), np.float32), SCALE), SCALE).min() == 255


def test_masking_takes_the_words_and_leaves_the_traces():
    page, layout = read("3x4+1")
    masked = mask_text(page.image, trace_ink(page.image, SCALE), layout, SCALE)
    before, after = trace_ink(page.image, SCALE) > 0.5, page.image.min(axis=2) < 90
    dark = masked.min(axis=2) < 90
    for x1, y1, x2, y2 in page.texts:
        area = (slice(int(y1), int(y2) + 1), slice(int(x1), int(x2) + 1))
        if before[area].sum() > 20:
            assert dark[area].sum() <= 0.15 * after[area].sum()
    for box in page.boxes:
        x1, y1, x2, y2 = (int(v) for v in box.box)
        middle = (slice((2 * y1 + y2) // 3, (y1 + 2 * y2) // 3), slice(x1 + 40, x2))
        assert dark[middle].sum() > 0.9 * (page.image[middle].min(axis=2) < 90).sum()
