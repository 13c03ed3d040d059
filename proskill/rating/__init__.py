"""Pairing, aggregation and trust: from pairwise judgements to ratings with honest uncertainty."""

from proskill.rating.comparisons import Comparison, ComparisonTable
from proskill.rating.table_builder import ComparisonTableBuilder, TextColumn, comparison_table

__all__ = [
    "Comparison",
    "ComparisonTable",
    "ComparisonTableBuilder",
    "TextColumn",
    "comparison_table",
]
