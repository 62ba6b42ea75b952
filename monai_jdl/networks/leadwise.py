"""An encoder for each lead by itself, so that it does not matter which leads were recorded at the same time."""

from __future__ import annotations

import torch
from torch import nn

from cardiac_transforms.ecg import LEADS


class LeadwiseEncoder(nn.Module):
    """The twelve leads through one encoder each, of shared weights; their features one behind the other.

    On most pages the leads of different columns follow each other in time. A network that looks at all leads of a moment
    together, as the usual ones of ECG signals do, learns from recorded signals what pages do not hold, and fails on them. Here
    leads meet after time has been averaged away, and each still has features of its own.

    Args:
        encoder: network [B * 12, C, \\*spatial] -> [B * 12, F].
        stem: of pages, network [B, C', H, W] -> [B, C, 6 * h, 2 * w], six rows and two columns of leads as on
            :func:`cardiac_transforms.ecg.canonical_page`; None for signals.

    Attributes:
        leads: sees what the encoder is given, the leads as items of a batch: the layer for a Grad-CAM++ that tells leads apart.
    """

    def __init__(self, encoder: nn.Module, stem: nn.Module | None = None) -> None:
        super().__init__()
        self.stem = stem
        self.leads = nn.Identity()
        self.encoder = encoder

    def forward(self, ecg: torch.Tensor) -> torch.Tensor:
        """Encode ECGs.

        Args:
            ecg: canonical pages [B, C', H, W], or signals [B, 12, T] where there is no stem.

        Returns:
            [B, 12 * F], the features of lead I first.

        Raises:
            ValueError: the stem's output cannot be cut into leads.
        """
        leads = ecg.flatten(0, 1)[:, None] if self.stem is None else leads_of_page(self.stem(ecg))
        return self.encoder(self.leads(leads)).reshape(len(ecg), -1)


def leads_of_page(page: torch.Tensor) -> torch.Tensor:
    """The tiles of features of the canonical page, [B, C, h, w], as items of a batch, [B * 12, C, h / 6, w / 2].

    Raises:
        ValueError: six rows and two columns do not fit.
    """
    batch, channels, height, width = page.shape
    if height % 6 or width % 2:
        raise ValueError(
            f"Features of {height} x {width} of a page cannot be cut into six rows and two columns of leads; choose the"
            " stem's strides or pixels_per_mm otherwise."
        )
    tiles = page.reshape(batch, channels, 6, height // 6, 2, width // 2)
    # the left column holds the limb leads, the right one V1 to V6
    return tiles.permute(0, 4, 2, 1, 3, 5).reshape(batch * len(LEADS), channels, height // 6, width // 2)


def page_of_leads(leads: torch.Tensor) -> torch.Tensor:
    """The way back: maps of leads, [B * 12, C, h, w], in their places on the page, [B, C, 6 * h, 2 * w]."""
    _, channels, height, width = leads.shape
    tiles = leads.reshape(-1, 2, 6, channels, height, width).permute(0, 3, 2, 4, 1, 5)
    return tiles.reshape(-1, channels, 6 * height, 2 * width)
