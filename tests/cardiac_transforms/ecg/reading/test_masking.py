import numpy as np

from cardiac_transforms.ecg.leads import LAYOUTS
from cardiac_transforms.ecg.reading.ink import trace_ink
from cardiac_transforms.ecg.reading.layout import find_leads
from cardiac_transforms.ecg.reading.masking import mask_text
from tests.cardiac_transforms.ecg.reading.drawn_page import draw_page, made_up_signals

SCALE = 6.0
SIGNALS = made_up_signals(seed=7)
# a record that repeats itself every 2.5 s shows the same in every column of every layout
REPEATED = np.tile(SIGNALS[:, :1250], 4)


def read(layout, **options):
    page = draw_page(REPEATED, 500.0, LAYOUTS[layout], pixels_per_mm=SCALE, **options)
    return page, find_leads(trace_ink(page.image, SCALE), SCALE)


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
