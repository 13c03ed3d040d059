"""Ratings from pairwise judgements: pairing, aggregation, intervals, reliability and levels."""

from proskill.rating.agreement import Agreement, measure_agreement
from proskill.rating.annotators import ANNOTATOR_FLAGS, AnnotatorReport
from proskill.rating.asynchronous import AsynchronousPairing, Pair
from proskill.rating.bradley_terry import BradleyTerry, BradleyTerryFit, fit_bradley_terry
from proskill.rating.comparisons import Comparison, ComparisonTable
from proskill.rating.elo import EloFit, ProskillStanding, fit_elo, rate_as_proskill
from proskill.rating.gibbs import AnchorPrior
from proskill.rating.health import FLAGS, Health, check_health
from proskill.rating.level_anchors import anchor_cuts
from proskill.rating.level_cuts import LevelCuts, cut_levels, quantile_cuts, score_cuts
from proskill.rating.pairing import PairingMethod, Round, pair_round
from proskill.rating.planner import CampaignPlan, plan_campaign
from proskill.rating.posterior import Posterior, sample_posterior
from proskill.rating.rate import EarlierRating, LevelRule, RatingRun, rate
from proskill.rating.reliability import (
    CurvePoint,
    GroupReliability,
    expected_more_votes,
    measure_reliability,
    reliability_curve,
)
from proskill.rating.result import Ratings
from proskill.rating.simulated import SimulatedAnnotator, simulate_campaign, simulate_votes
from proskill.rating.table_builder import ComparisonTableBuilder, TextColumn, comparison_table

__all__ = [
    "ANNOTATOR_FLAGS",
    "FLAGS",
    "Agreement",
    "AnchorPrior",
    "AnnotatorReport",
    "AsynchronousPairing",
    "BradleyTerry",
    "BradleyTerryFit",
    "CampaignPlan",
    "Comparison",
    "ComparisonTable",
    "ComparisonTableBuilder",
    "CurvePoint",
    "EarlierRating",
    "EloFit",
    "GroupReliability",
    "Health",
    "LevelCuts",
    "LevelRule",
    "Pair",
    "PairingMethod",
    "Posterior",
    "ProskillStanding",
    "RatingRun",
    "Ratings",
    "Round",
    "SimulatedAnnotator",
    "TextColumn",
    "anchor_cuts",
    "check_health",
    "comparison_table",
    "cut_levels",
    "expected_more_votes",
    "fit_bradley_terry",
    "fit_elo",
    "measure_agreement",
    "measure_reliability",
    "pair_round",
    "plan_campaign",
    "quantile_cuts",
    "rate",
    "rate_as_proskill",
    "reliability_curve",
    "sample_posterior",
    "score_cuts",
    "simulate_campaign",
    "simulate_votes",
]
