"""Every page that is written to a file, one subpackage per subject over one toolkit.

Import from the subpackages: `toolkit` needs neither numpy nor torch, `rating` no torch.
"""

__all__ = ["assessment", "dataset", "demo", "evaluation", "rating", "toolkit"]
