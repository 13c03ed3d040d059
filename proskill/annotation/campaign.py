"""A campaign's settings and folder."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

from proskill.errors import CampaignError
from proskill.whole_file import write_whole

CAMPAIGN_FILE: Final = "campaign.json"
DATABASE_FILE: Final = "campaign.sqlite"
MANIFEST_FILE: Final = "manifest.csv"
PROXIES_FOLDER: Final = "proxies"


@dataclass(frozen=True)
class CampaignSettings:
    """Settings of a campaign's questions.

    Attributes:
        allow_tie: whether "equally good" is an answer.
        strength: whether the chosen side gets a strength from 1 to 3.
        min_watched: share of each clip to watch before an answer counts, in [0, 1].
        quota: answers after which an annotator is done, practice not among them; None: no limit.
        lease_seconds: how long a pair waits for its annotator after their last sign of life.
        repeat_share, swapped_share: parts of the pairs that another annotator judged before, and
            that the same annotator judges again with sides swapped.
        gold_share: part of the pairs whose answer is known.
        undo_depth: how many of their last answers annotators may change.
        guideline: what annotators read, plain text.

    Raises:
        ValueError: a value is outside of what is said above.
    """

    allow_tie: bool = True
    strength: bool = False
    min_watched: float = 0.5
    quota: int | None = None
    lease_seconds: float = 300.0
    repeat_share: float = 0.15
    swapped_share: float = 0.05
    gold_share: float = 0.05
    undo_depth: int = 10
    guideline: str = ""

    def __post_init__(self) -> None:
        for name in ("min_watched", "repeat_share", "swapped_share", "gold_share"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f"{name}={value}: must be a share between 0 and 1")
        for name in ("repeat_share", "swapped_share", "gold_share"):
            if getattr(self, name) == 1:
                raise ValueError(f"{name}=1: must be less, so that new pairs are asked")
        if self.repeat_share + self.swapped_share >= 1:
            raise ValueError(
                f"repeat_share={self.repeat_share}, swapped_share={self.swapped_share}: must be "
                "less than 1 together, so that new pairs are asked"
            )
        if not (math.isfinite(self.lease_seconds) and self.lease_seconds > 0):
            raise ValueError(f"lease_seconds={self.lease_seconds}: must be more than 0")
        for name, least in (("undo_depth", 0), ("quota", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"{name}={value}: must be {least} or more")

    def to_json(self) -> str:
        """Return all settings as the text stored in the database."""
        return json.dumps(asdict(self), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> CampaignSettings:
        """Parse settings that `to_json` of any version wrote.

        Ones that were not known then take their default; ones that are not known any more are
        left out.
        """
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in json.loads(text).items() if name in known})


def read_database_url(folder: Path) -> str | None:
    """Return the database URL in a campaign's folder; None: the file in the folder.

    Raises:
        CampaignError: the folder contains no campaign, or its file is damaged.
    """
    path = folder / CAMPAIGN_FILE
    try:
        content = json.loads(path.read_text("utf-8"))
        url = content.get("database_url")
    except FileNotFoundError:
        raise CampaignError(
            f"{folder}: holds no campaign; make one with `proskill annotate create`"
        ) from None
    except (ValueError, AttributeError):
        raise CampaignError(f"{path}: is not what `proskill annotate create` wrote") from None
    if url is not None and not isinstance(url, str):
        raise CampaignError(f"{path}: database_url must be text, or absent")
    return url


def write_campaign_file(folder: Path, *, database_url: str | None) -> None:
    """Mark a folder as a campaign; only its owner may read a URL, which may hold a password."""
    content = {} if database_url is None else {"database_url": database_url}
    path = folder / CAMPAIGN_FILE
    write_whole(
        path,
        [json.dumps(content, indent=2).encode() + b"\n"],
        advice="choose another folder, or free some space",
    )
    if database_url is not None:
        path.chmod(0o600)
