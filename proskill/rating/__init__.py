"""Pairing, aggregation and trust: from pairwise judgements to ratings with honest uncertainty."""

from proskill.rating.bradley_terry import BradleyTerryFit, fit_bradley_terry
from proskill.rating.comparisons import Comparison, ComparisonTable
from proskill.rating.elo import EloFit, fit_elo
from proskill.rating.level_cuts import cut_levels, quantile_cuts, score_cuts
from proskill.rating.pairing import Round, pair_round
from proskill.rating.posterior import Posterior, sample_posterior
from proskill.rating.rate import EarlierRating, LevelRule, RatingRun, rate
from proskill.rating.result import Ratings
from proskill.rating.table_builder import ComparisonTableBuilder, TextColumn, comparison_table

__all__ = [
    "BradleyTerryFit",
    "Comparison",
    "ComparisonTable",
    "ComparisonTableBuilder",
    "EarlierRating",
    "EloFit",
    "LevelRule",
    "Posterior",
    "RatingRun",
    "Ratings",
    "Round",
    "TextColumn",
    "comparison_table",
    "cut_levels",
    "fit_bradley_terry",
    "fit_elo",
    "pair_round",
    "quantile_cuts",
    "rate",
    "sample_posterior",
    "score_cuts",
]
