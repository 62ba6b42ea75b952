"""The classifier of ECG pages and signals: one encoder, one logit per task, clinical features if there are any."""

from __future__ import annotations

import torch
from torch import nn

ECG_TASKS = ("scar", "lvef50")
"""What the logits of an ECG network mean, in this order: myocardial scar, and LVEF < 50 %."""


class ECGClassifier(nn.Module):
    """An encoder that all tasks share, and one head per task (hard parameter sharing).

    The encoder is any classifier of MONAI, chosen in a bundle's config by ``_target_``: its classes are the features that
    the heads see. A page and a signal differ by the encoder alone (``spatial_dims`` 2 and 1).

    Args:
        encoder: network [B, C, \\*spatial] -> [B, ``features``].
        features: length of the shared latent vector.
        fusion: module (latent [B, ``features``], clinical [B, F]) -> [B, ``fusion.out_features``], e.g.
            :class:`~monai_jdl.networks.FiLMFusion`; None for a network of the ECG alone.
        dropout: share of the latent vector that is dropped before the heads, in training.

    Example:
        >>> import torch
        >>> from monai.networks.nets import ResNet
        >>> from monai_jdl.networks import ECGClassifier
        >>> encoder = ResNet("basic", [1, 1, 1, 1], [8, 8, 8, 8], spatial_dims=1, n_input_channels=12, num_classes=16)
        >>> ECGClassifier(encoder, 16)(torch.zeros(2, 12, 500)).shape
        torch.Size([2, 2])
    """

    def __init__(
        self,
        encoder: nn.Module,
        features: int,
        fusion: nn.Module | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.fusion = fusion
        self.dropout = nn.Dropout(dropout)
        width = features if fusion is None else int(fusion.out_features)  # type: ignore[arg-type]
        self.heads = nn.ModuleList(nn.Linear(width, 1) for _ in ECG_TASKS)

    def forward(self, image: torch.Tensor, clinical: torch.Tensor | None = None) -> torch.Tensor:
        """Classify ECGs.

        Args:
            image: pages [B, C, H, W] or signals [B, 12, T].
            clinical: [B, F] features in the order of :data:`~monai_jdl.networks.CLINICAL_FEATURES`, NaN where one is not
                known; None where none is. A network without ``fusion`` does not look at them.

        Returns:
            Logits [B, 2], of :data:`ECG_TASKS`.
        """
        latent = torch.relu(self.encoder(image))
        if self.fusion is not None:
            latent = self.fusion(latent, clinical)
        latent = self.dropout(latent)
        return torch.cat([head(latent) for head in self.heads], dim=1)
