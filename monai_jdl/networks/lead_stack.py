"""The tiles of the canonical page beside each other as channels, so that a network knows which lead it sees."""

from __future__ import annotations

import torch
from torch import nn


class StackLeads(nn.Module):
    """Features of the canonical page as features of its leads.

    Attributes:
        leads: sees every lead as an item of the batch, [B * 12, C, h / 6, w / 2]: the layer for a Grad-CAM++ that tells leads
            apart.
    """

    def __init__(self) -> None:
        super().__init__()
        self.leads = nn.Identity()

    def forward(self, page: torch.Tensor) -> torch.Tensor:
        """Cut the page into the tiles of the leads.

        Args:
            page: [B, C, h, w], six rows and two columns of tiles.

        Returns:
            [B, 12 * C, h / 6, w / 2], the channels of lead I first.

        Raises:
            ValueError: the tiles do not fit.
        """
        batch, channels, height, width = page.shape
        if height % 6 or width % 2:
            raise ValueError(
                f"Features of {height} x {width} of a page cannot be cut into six rows and two columns of leads; choose the"
                " stem's strides or pixels_per_mm otherwise."
            )
        tiles = page.reshape(batch, channels, 6, height // 6, 2, width // 2)
        # the left column holds the limb leads, the right one V1 to V6
        leads = self.leads(tiles.permute(0, 4, 2, 1, 3, 5).reshape(-1, channels, height // 6, width // 2))
        return leads.reshape(batch, -1, *leads.shape[2:])


def page_of_leads(leads: torch.Tensor) -> torch.Tensor:
    """Maps of leads, [B * 12, C, h, w] as :class:`StackLeads` makes them, in their places on the page, [B, C, 6 * h, 2 * w]."""
    _, channels, height, width = leads.shape
    tiles = leads.reshape(-1, 2, 6, channels, height, width).permute(0, 3, 2, 4, 1, 5)
    return tiles.reshape(-1, channels, 6 * height, 2 * width)


class LeadStack(nn.Module):
    """A stem that sees the canonical page, then an encoder that sees the twelve leads of it one behind the other.

    The same wave means another thing in another lead. A classifier of pictures, which averages over the page, has to learn from
    the borders which lead it sees; here the features of each lead are channels of their own, as the leads of a signal are.

    Args:
        stem: network [B, C, H, W] -> [B, F, h, w] with ``h`` a multiple of 6 and ``w`` of 2, the rows and columns of
            :func:`cardiac_transforms.ecg.canonical_page`.
        encoder: network [B, 12 * F, h / 6, w / 2] -> [B, features].

    Attributes:
        stack: the :class:`StackLeads` between them.
    """

    def __init__(self, stem: nn.Module, encoder: nn.Module) -> None:
        super().__init__()
        self.stem = stem
        self.stack = StackLeads()
        self.encoder = encoder

    def forward(self, page: torch.Tensor) -> torch.Tensor:
        """Encode canonical pages [B, C, H, W]."""
        return self.encoder(self.stack(self.stem(page)))
