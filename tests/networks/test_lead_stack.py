"""Leads as channels: each tile of the canonical page is its lead, and the way back is the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from cardiac_transforms.ecg import LEADS, canonical_page
from monai_jdl.networks import LeadStack, StackLeads, page_of_leads


def test_each_tile_of_the_page_becomes_the_channel_of_its_lead():
    signals = np.full((12, 1250), np.nan)
    for lead in range(12):
        signals[lead] = 0.0
        page = torch.from_numpy(1 - canonical_page(signals, 500.0, 2.0)[:1] / 255.0).float()[None]
        ink = StackLeads()(page).sum((0, 2, 3))
        assert ink.shape == (12,) and ink.argmax() == lead and ink[lead] > 0.99 * ink.sum(), LEADS[lead]
        signals[lead] = np.nan


@pytest.mark.parametrize(("channels", "height", "width"), [(1, 12, 8), (3, 6, 2), (5, 18, 10)])
def test_the_way_back_is_the_same(channels, height, width):
    page = torch.randn(2, channels, height, width)
    stacked = StackLeads()(page)
    assert stacked.shape == (2, 12 * channels, height // 6, width // 2)
    leads = stacked.reshape(24, channels, height // 6, width // 2)
    assert torch.equal(page_of_leads(leads), page)


def test_the_encoder_sees_which_lead_a_wave_is_in():
    class First(nn.Module):
        """Knows nothing but lead V3."""

        def forward(self, leads):
            return leads[:, 2 * LEADS.index("V3") : 2 * LEADS.index("V3") + 2].mean((2, 3))

    network = LeadStack(nn.Conv2d(1, 2, 4, stride=4), First())
    page = torch.zeros(1, 1, 120, 80)
    blank = network(page)
    for lead, name in enumerate(LEADS):
        marked = page.clone()
        row, column = lead % 6, lead // 6
        marked[..., 20 * row + 5 : 20 * row + 15, 40 * column + 5 : 40 * column + 35] = 1.0
        assert torch.equal(network(marked), blank) == (name != "V3")


def test_tiles_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"100 x 50 .*six rows"):
        StackLeads()(torch.zeros(1, 1, 100, 50))
