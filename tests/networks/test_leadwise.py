"""Leads by themselves: a tile of the canonical page is its lead, features stay apart, time between leads does not matter."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.networks.nets import ResNet
from torch import nn

from cardiac_transforms.ecg import LEADS, canonical_page
from monai_jdl.networks import LeadwiseEncoder, leads_of_page, page_of_leads


class Mean(nn.Module):
    """One feature: the mean."""

    def forward(self, leads):
        return leads.flatten(1).mean(1, keepdim=True)


def test_each_tile_of_the_page_is_its_lead():
    signals = np.full((12, 1250), np.nan)
    for lead in range(12):
        signals[lead] = 0.0
        page = torch.from_numpy(1 - canonical_page(signals, 500.0, 2.0)[:1] / 255.0).float()[None]
        ink = leads_of_page(page).sum((1, 2, 3))
        assert ink.shape == (12,) and ink.argmax() == lead and ink[lead] > 0.99 * ink.sum(), LEADS[lead]
        signals[lead] = np.nan


@pytest.mark.parametrize(("channels", "height", "width"), [(1, 12, 8), (3, 6, 2), (5, 18, 10)])
def test_the_way_back_is_the_same(channels, height, width):
    page = torch.randn(2, channels, height, width)
    leads = leads_of_page(page)
    assert leads.shape == (24, channels, height // 6, width // 2)
    assert torch.equal(page_of_leads(leads), page)


@pytest.mark.parametrize("ecg", ["page", "signals"])
def test_a_wave_changes_the_features_of_its_lead_alone(ecg):
    stem = nn.Conv2d(1, 2, 4, stride=4) if ecg == "page" else None
    network = LeadwiseEncoder(Mean(), stem)
    blank = torch.zeros((3, 1, 120, 80) if ecg == "page" else (3, 12, 500))
    before = network(blank)
    assert before.shape == (3, 12)
    for lead in range(12):
        marked = blank.clone()
        if ecg == "page":
            row, column = lead % 6, lead // 6
            marked[1, :, 20 * row + 5 : 20 * row + 15, 40 * column + 5 : 40 * column + 35] = 1.0
        else:
            marked[1, lead, 100:200] = 1.0
        changed = (network(marked) != before).nonzero().tolist()
        assert changed == [[1, lead]]


def test_it_does_not_matter_when_a_lead_was_recorded():
    """Moving one lead in time against the others, as pages do, changes nothing but borders."""
    torch.manual_seed(0)
    encoder = ResNet("basic", [1, 1, 1, 1], [8] * 4, spatial_dims=1, n_input_channels=1, num_classes=4).eval()
    network = LeadwiseEncoder(encoder).eval()
    signals = torch.zeros(1, 12, 2048)
    signals[..., 600:700] = torch.rand(12, 100)
    moved = signals.clone()
    moved[0, 3] = signals[0, 3].roll(512)  # a multiple of the network's stride
    with torch.no_grad():
        torch.testing.assert_close(network(moved), network(signals), rtol=1e-3, atol=1e-4)


def test_tiles_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"100 x 50 .*six rows"):
        leads_of_page(torch.zeros(1, 1, 100, 50))
