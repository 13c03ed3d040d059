"""The part of a dataset that somebody asked for: some scenarios, some views."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from proskill.data.take import Take
from proskill.errors import ConfigError
from proskill.view_names import ViewKind

_log = logging.getLogger(__name__)


def select_scenarios(takes: Sequence[Take], scenarios: Sequence[str] | None) -> list[Take]:
    """Takes of these scenarios; None keeps all.

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
    """Takes with these views alone; takes that have none of them are left out, with a count.

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
