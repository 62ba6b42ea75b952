"""Networks: the joint network and its messages."""

from monai_jdl.networks.joint import JointNet
from monai_jdl.networks.messages import Concatenation, FeaturePyramid, ProbabilityGate, SoftGate
from monai_jdl.networks.weights import load_weights

__all__ = ["Concatenation", "FeaturePyramid", "JointNet", "ProbabilityGate", "SoftGate", "load_weights"]
