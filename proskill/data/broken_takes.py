"""Takes whose video cannot be decoded, when leaving them out was asked for: counted, logged, few.

A handful of bad files among thousands is wear; more of them is a wrong folder or a bad disk, and
training on what happens to be left would be another experiment.
"""

from __future__ import annotations

import logging
from typing import Literal

from proskill.data.targets import named
from proskill.errors import ProskillError

OnError = Literal["raise", "skip"]
MAX_BROKEN_SHARE = 0.01

_log = logging.getLogger(__name__)


class BrokenTakes:
    """The takes left out so far, each once however often it is met.

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
