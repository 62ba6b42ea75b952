"""What the hospital knows besides the ECG: age, sex and risk factors, with modest links to scar and to LVEF."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

# Share of patients with the factor (training patients of the mtecg cohort; Sci Rep 2024, s41598-024-58131-6), and the log odds
# ratios of scar and of LVEF < 50 % [design: modest, sex the strongest, so that the clinical features alone reach an AUC of
# about 0.65 to 0.7, as published for that cohort].
_FACTORS = {
    "female": (0.49, math.log(0.42), math.log(0.75)),
    "diabetes": (0.37, math.log(1.5), math.log(1.3)),
    "hypertension": (0.75, math.log(1.2), math.log(1.0)),
    "smoke": (0.17, math.log(1.8), math.log(1.2)),
    "dyslipidemia": (0.71, math.log(1.4), math.log(1.0)),
}


@dataclass(frozen=True)
class Clinical:
    """Age in years and binary features of one patient."""

    age: float
    female: bool
    diabetes: bool
    hypertension: bool
    smoke: bool
    dyslipidemia: bool


def draw_clinical(rng: np.random.Generator, scar: bool, lvef50: bool) -> Clinical:
    """Draw the features given the disease; 72 +- 14 years, two years more with scar.

    The odds of a factor are those of the cohort times its odds ratios, centred on half of the patients having scar and a
    fifth having LVEF < 50 %.
    """
    age = float(np.clip(rng.normal(71.3 + 2.0 * scar, 13.5), 20, 98))
    drawn = {}
    for name, (prevalence, by_scar, by_lvef) in _FACTORS.items():
        logit = math.log(prevalence / (1 - prevalence)) + by_scar * (scar - 0.5) + by_lvef * (lvef50 - 0.2)
        drawn[name] = bool(rng.random() < 1 / (1 + math.exp(-logit)))
    return Clinical(round(age, 1), **drawn)
