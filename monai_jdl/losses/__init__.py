"""Losses."""

from monai_jdl.losses.joint import JointLoss
from monai_jdl.losses.labels import label_losses

__all__ = ["JointLoss", "label_losses"]
