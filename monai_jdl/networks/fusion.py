"""Clinical features joined to what an encoder has seen in the ECG."""

from __future__ import annotations

import torch
from torch import nn

from monai_jdl.networks.clinical_imputer import CLINICAL_FEATURES, ClinicalImputer

_AGE = CLINICAL_FEATURES.index("age")
_BINARY = [index for index in range(len(CLINICAL_FEATURES)) if index != _AGE]
_YEARS = 100.0
"""Age is divided by it, so that all features are about as large."""


class _Fusion(nn.Module):
    """Imputes, scales, and hands on to :meth:`join`.

    Attributes:
        imputer: fills in what is missing; :meth:`ClinicalImputer.fit` it on training data before training.
        out_features: length of the joint vector.
    """

    out_features: int

    def __init__(self) -> None:
        super().__init__()
        self.imputer = ClinicalImputer(continuous=(_AGE,))

    def forward(self, latent: torch.Tensor, clinical: torch.Tensor | None) -> torch.Tensor:
        """Join ``latent`` [B, L] and ``clinical`` [B, 6] (NaN: not known; None: nothing is); returns [B, out_features].

        Raises:
            ValueError: ``clinical`` does not have six columns.
        """
        if clinical is None:
            clinical = latent.new_full((len(latent), len(CLINICAL_FEATURES)), torch.nan)
        if clinical.shape[1:] != (len(CLINICAL_FEATURES),):
            raise ValueError(
                f"clinical has shape {tuple(clinical.shape)}; the features are {', '.join(CLINICAL_FEATURES)}."
            )
        scale = torch.ones_like(clinical)
        scale[:, _AGE] = 1 / _YEARS
        return self.join(latent, (self.imputer(clinical) * scale).to(latent.dtype))

    def join(self, latent: torch.Tensor, clinical: torch.Tensor) -> torch.Tensor:
        """Join ``latent`` [B, L] and complete features [B, 6], age in centuries."""
        raise NotImplementedError


class FiLMFusion(_Fusion):
    """Clinical features scale and shift the latent vector (feature-wise linear modulation, Perez et al., AAAI 2018).

    It begins as the identity: an encoder trained without clinical features is not disturbed when they are added.

    Args:
        features: length of the latent vector.
        hidden: width of the layer between the features and the modulation.
    """

    def __init__(self, features: int, hidden: int = 32) -> None:
        super().__init__()
        self.out_features = features
        last = nn.Linear(hidden, 2 * features)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.modulation = nn.Sequential(nn.Linear(len(CLINICAL_FEATURES), hidden), nn.ReLU(), last)

    def join(self, latent: torch.Tensor, clinical: torch.Tensor) -> torch.Tensor:
        """``latent * (1 + scale) + shift``, [B, L]."""
        scale, shift = self.modulation(clinical).chunk(2, dim=1)
        return latent * (1 + scale) + shift


class RecurrentFusion(_Fusion):
    """The fusion of the mtecg study (Sci Rep 2024, s41598-024-58131-6): binary features read one by one as words of a sentence.

    All binary features share one embedding; each is followed by the age. A bidirectional recurrent network reads them, and
    the sum of its two last states stands beside the latent vector.

    Args:
        features: length of the latent vector.
        hidden: length of the recurrent state.
        embedding: length of a binary feature's embedding.
    """

    def __init__(self, features: int, hidden: int = 512, embedding: int = 5) -> None:
        super().__init__()
        self.out_features = features + hidden
        self.embedding = nn.Embedding(2, embedding)
        self.recurrent = nn.RNN(embedding + 1, hidden, batch_first=True, bidirectional=True)

    def join(self, latent: torch.Tensor, clinical: torch.Tensor) -> torch.Tensor:
        """Latent vector and state, [B, L + hidden]."""
        words = self.embedding((clinical[:, _BINARY] > 0.5).long())
        age = clinical[:, _AGE].reshape(-1, 1, 1).expand(-1, words.shape[1], 1)
        _, last = self.recurrent(torch.cat([words, age], dim=2))
        return torch.cat([latent, last.sum(dim=0)], dim=1)
