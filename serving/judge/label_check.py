"""How labels decide on a provisional promotion: a part of release files, and so without the statistics themselves."""

from typing import Literal

from pydantic import Field

from serving.part import Part


class LabelCheck(Part):
    """How labels decide."""

    measure: Literal["log_loss", "auroc"] = "log_loss"
    """What is compared."""
    margin: float = Field(default=0.01, gt=0)
    """How much worse is still good enough, in the measure's unit."""
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    """Chance of confirming what is worse by the margin, over all looks; the same of reverting what is no worse."""
    min_labels: int = Field(default=1000, gt=1)
    """Mature labels that each version needs."""
    min_of_each_class: int = Field(default=30, gt=1)
    """Positives and negatives that each version needs among them."""
    coverage_margin: float = Field(default=0.02, gt=0, lt=1)
    """By how much the labelled share of the mature requests may differ: labels that go missing on one version more
    than on the other do not go missing at random."""
