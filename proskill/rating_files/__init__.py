"""Comparisons from files, ratings to files, and the summary of a rating."""

from proskill.rating_files.read import ReadComparisons, read_comparisons
from proskill.rating_files.read_back import read_level_anchors, read_ratings
from proskill.rating_files.recognise import FORMATS
from proskill.rating_files.run_summary import Origin
from proskill.rating_files.write import write_proskill_rankings, write_ratings

__all__ = [
    "FORMATS",
    "Origin",
    "ReadComparisons",
    "read_comparisons",
    "read_level_anchors",
    "read_ratings",
    "write_proskill_rankings",
    "write_ratings",
]
