"""Takes to use: those of some scenarios and views, less those whose video cannot be decoded."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from proskill.data.take import Take
from proskill.data.targets import named
from proskill.errors import ConfigError, ProskillError
from proskill.view_names import ViewKind

OnError = Literal["raise", "skip"]
# More is a wrong folder or a bad disk, and training on the rest another experiment.
MAX_BROKEN_SHARE = 0.01

_log = logging.getLogger(__name__)


def select_scenarios(takes: Sequence[Take], scenarios: Sequence[str] | None) -> list[Take]:
    """Return the takes of these scenarios; None keeps all.

    Raises:
        ConfigError: a scenario that no take has.
    """
    if scenarios is None:
        return list(takes)
    known = sorted({take.scenario for take in takes})
    if unknown := set(scenarios) - set(known):
        raise ConfigError(
            f"data.select.scenarios: {sorted(unknown)} not in the data; it has {', '.join(known)}"
        )
    return [take for take in takes if take.scenario in scenarios]


def select_views(
    takes: Sequence[Take],
    *,
    view_names: Sequence[str] | None,
    view_kinds: Sequence[ViewKind] | None,
) -> list[Take]:
    """Return takes with these views alone, without (and counting) takes with none of them.

    Args:
        takes: with all their views.
        view_names: None keeps all.
        view_kinds: None keeps both.

    Raises:
        ConfigError: no take has such a view.
    """
    if view_names is None and view_kinds is None:
        return list(takes)
    kept = []
    for take in takes:
        names = take.views if view_names is None else view_names
        views = {
            name: take.views[name]
            for name in names
            if name in take.views and (view_kinds is None or take.views[name].kind in view_kinds)
        }
        if views:
            kept.append(replace(take, views=views))
    wanted = f"view_names={view_names}, data.select.view_kinds={view_kinds}"
    if not kept:
        known = sorted({f"{name} ({v.kind})" for take in takes for name, v in take.views.items()})
        raise ConfigError(
            f"data.select.{wanted}: no take has such a view; the data has {', '.join(known)}"
        )
    if len(kept) < len(takes):
        _log.warning("%d takes left out: no view of data.select.%s", len(takes) - len(kept), wanted)
    return kept


class BrokenTakes:
    """Takes left out so far because of a broken video, each once.

    Args:
        num_takes: how many there are in all.
    """

    def __init__(self, num_takes: int) -> None:
        self.num_takes = num_takes
        self.reasons: dict[str, str] = {}

    def add(self, take_id: str, reason: str) -> None:
        """Count a take.

        Args:
            take_id: of the take.
            reason: names the file.

        Raises:
            ProskillError: more than one take, and more than 1 % of all, are broken.
        """
        if take_id in self.reasons:
            return
        self.reasons[take_id] = reason
        count = len(self.reasons)
        _log.warning("take %r left out, the %d. of %d: %s", take_id, count, self.num_takes, reason)
        if count > max(1, MAX_BROKEN_SHARE * self.num_takes):
            raise ProskillError(
                f"{count} of {self.num_takes} takes have a broken video, more than "
                f"{MAX_BROKEN_SHARE:.0%}: {named(list(self.reasons))} (the last: {reason}); "
                "`proskill data check` finds all of them, repair them or take them out"
            )
