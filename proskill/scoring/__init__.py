"""Scoring: video files of a performance to an Assessment that says how sure it is, or abstains."""

from proskill.scoring.assessment import (
    Assessment,
    Provenance,
    TimelineWindow,
    ViewResult,
)
from proskill.scoring.calibration import Calibration
from proskill.scoring.calibration_fitting import ViewFeatures, fit_calibration
from proskill.scoring.certainty import Certainty, LevelSet, ScoreInterval
from proskill.scoring.encoding import EncodedTake
from proskill.scoring.explaining import explain, explain_stepwise
from proskill.scoring.explanation import Explanation, Moment, SegmentEffect, ViewEffect
from proskill.scoring.familiarity import Familiarity, fit_familiarity
from proskill.scoring.inputs import MAX_VIEWS, name_views
from proskill.scoring.pictures import read_takes_statistics
from proskill.scoring.scorer import Scorer
from proskill.scoring.status_limits import StatusLimits
from proskill.scoring.uploads import (
    UploadResult,
    make_proxies,
    score_proxies,
    score_uploads,
)
from proskill.video.sanitize import Proxy
from proskill.view_names import guess_kind

__all__ = [
    "MAX_VIEWS",
    "Assessment",
    "Calibration",
    "Certainty",
    "EncodedTake",
    "Explanation",
    "Familiarity",
    "LevelSet",
    "Moment",
    "Provenance",
    "Proxy",
    "ScoreInterval",
    "Scorer",
    "SegmentEffect",
    "StatusLimits",
    "TimelineWindow",
    "UploadResult",
    "ViewEffect",
    "ViewFeatures",
    "ViewResult",
    "explain",
    "explain_stepwise",
    "fit_calibration",
    "fit_familiarity",
    "guess_kind",
    "make_proxies",
    "name_views",
    "read_takes_statistics",
    "score_proxies",
    "score_uploads",
]
