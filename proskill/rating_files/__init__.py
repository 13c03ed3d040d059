"""Comparisons from files, ratings to files, and the report on a rating."""

from proskill.rating_files.read import ReadComparisons, read_comparisons
from proskill.rating_files.read_back import read_level_anchors, read_ratings
from proskill.rating_files.recognise import FORMATS
from proskill.rating_files.report import Origin, write_report
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
    "write_report",
]
