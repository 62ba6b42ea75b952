"""Networks: the joint network and its messages for LGE, the classifier and its clinical fusions for ECGs."""

from monai_jdl.networks.clinical_imputer import CLINICAL_FEATURES, ClinicalImputer
from monai_jdl.networks.ecg import ECG_TASKS, ECGClassifier
from monai_jdl.networks.fusion import FiLMFusion, RecurrentFusion
from monai_jdl.networks.joint import JointNet
from monai_jdl.networks.leadwise import LeadwiseEncoder, leads_of_page, page_of_leads
from monai_jdl.networks.messages import Concatenation, FeaturePyramid, ProbabilityGate, SoftGate
from monai_jdl.networks.pretrained import EfficientNetLite0, lite0_file, load_encoder
from monai_jdl.networks.weights import fingerprint, frozen, load_weights

__all__ = [
    "CLINICAL_FEATURES",
    "ECG_TASKS",
    "ClinicalImputer",
    "Concatenation",
    "ECGClassifier",
    "EfficientNetLite0",
    "FeaturePyramid",
    "FiLMFusion",
    "JointNet",
    "LeadwiseEncoder",
    "ProbabilityGate",
    "RecurrentFusion",
    "SoftGate",
    "fingerprint",
    "frozen",
    "leads_of_page",
    "lite0_file",
    "load_encoder",
    "load_weights",
    "page_of_leads",
]
