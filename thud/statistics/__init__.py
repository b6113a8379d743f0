"""Figures with their error bars. Pure, numpy and scipy only; a figure that cannot be computed is None, never 0 or 1.

`intervals` shares and times · `agreement` raters · `clusters` bootstrap over sources · `paired` tests between two
listeners · `detection` d' and criterion · `psychometric` thresholds over the offset.
"""

from thud.statistics.agreement import (
    ClassScore,
    Kappa,
    cohen_kappa,
    confusion_counts,
    krippendorff_alpha,
    precision_recall,
)
from thud.statistics.clusters import bootstrap_derived, cluster_bootstrap, cluster_weights, drawn_sums, weighted_sum
from thud.statistics.detection import Detection, balanced_accuracy, criterion, d_prime, detection
from thud.statistics.intervals import (
    TOLERANCES_S,
    Estimate,
    Limits,
    Numbers,
    Within,
    finite,
    limits_of_agreement,
    share_within,
    wilson,
    wilson_share,
)
from thud.statistics.paired import (
    TEST_WORDS,
    Tested,
    benjamini_hochberg,
    holm,
    mcnemar,
    minimum_detectable,
    paired_test,
    sign_flip,
    tango,
)
from thud.statistics.psychometric import CurvePoint, Psychometric, fit_psychometric

__all__ = [
    "TEST_WORDS",
    "TOLERANCES_S",
    "ClassScore",
    "CurvePoint",
    "Detection",
    "Estimate",
    "Kappa",
    "Limits",
    "Numbers",
    "Psychometric",
    "Tested",
    "Within",
    "balanced_accuracy",
    "benjamini_hochberg",
    "bootstrap_derived",
    "cluster_bootstrap",
    "cluster_weights",
    "cohen_kappa",
    "confusion_counts",
    "criterion",
    "d_prime",
    "detection",
    "drawn_sums",
    "finite",
    "fit_psychometric",
    "holm",
    "krippendorff_alpha",
    "limits_of_agreement",
    "mcnemar",
    "minimum_detectable",
    "paired_test",
    "precision_recall",
    "share_within",
    "sign_flip",
    "tango",
    "weighted_sum",
    "wilson",
    "wilson_share",
]
