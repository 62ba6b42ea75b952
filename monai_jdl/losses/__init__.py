"""Losses."""

from monai_jdl.losses.joint import JointLoss

__all__ = ["JointLoss"]
