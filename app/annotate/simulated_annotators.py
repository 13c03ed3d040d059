"""Simulated annotators who vote over HTTP against a running server, as the page does.

They know a hidden truth and answer by the model that ratings are fitted with. None loses heart,
misreads the guideline or disagrees about the nature of skill: real annotators do.
"""

from __future__ import annotations

import asyncio
import math
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TextIO

import httpx
import numpy as np

from proskill.errors import ProskillError
from proskill.rating import SimulatedAnnotator, simulate_votes

# How readily simulated annotators call a tie, where ties are allowed: about one vote in ten.
_LOG_TIE: Final = -1.5

# How often to ask again while all pairs are out with others.
_WAIT_SECONDS: Final = 0.2

_TIMEOUT_SECONDS: Final = 30.0

_ANSWERS: Final = {1: "left", -1: "right", 0: "tie"}


class ServerLostError(ProskillError):
    """The server does not answer any more."""


@dataclass
class SimulationResult:
    """The outcome of a simulation.

    Attributes:
        num_votes: acknowledged by the server.
        seconds: from the first login to the last answer.
        vote_seconds: for each vote, from sending it to having the next pair.
        refusals: code of a refusal -> how often it came.
        ended: why annotators stopped before all votes were cast -> how many of them.
    """

    num_votes: int = 0
    seconds: float = 0.0
    vote_seconds: list[float] = field(default_factory=list)
    refusals: dict[str, int] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the figures, with quantiles of the seconds of a vote."""
        times = np.array(self.vote_seconds or [0.0]) * 1000
        return {
            "num_votes": self.num_votes,
            "seconds": round(self.seconds, 3),
            "votes_per_second": round(self.num_votes / max(self.seconds, 1e-9), 1),
            "milliseconds": {
                "median": round(float(np.median(times)), 2),
                "p99": round(float(np.quantile(times, 0.99)), 2),
                "max": round(float(times.max()), 2),
            },
            "refusals": self.refusals,
            "ended": self.ended,
        }

    def sentences(self) -> list[str]:
        """Return the figures as sentences."""
        figures = self.as_json()
        times = figures["milliseconds"]
        lines = [
            f"{self.num_votes} simulated votes in {self.seconds:.1f} s; from a vote to the next "
            f"pair: median {times['median']:g} ms, p99 {times['p99']:g}, longest {times['max']:g}"
        ]
        lines += [f"{number} annotators ended: {why}" for why, number in self.ended.items()]
        lines += [f"{number} requests were refused: {why}" for why, number in self.refusals.items()]
        return lines


def require_servers(urls: Sequence[str]) -> None:
    """Ask each server once, before annotators are invited for its sake.

    Raises:
        ServerLostError: one does not answer.
        ProskillError: what answers serves no campaign.
    """
    for url in urls:
        try:
            answer = httpx.get(f"{url}/api/work", timeout=_TIMEOUT_SECONDS, trust_env=False)
        except httpx.TransportError as error:
            raise ServerLostError(
                f"{url}: no server answers ({error!r}); start it with `proskill annotate serve`"
            ) from None
        # Without a link there is no work; a server that is busy says so.
        if answer.status_code not in (401, 429, 503):
            raise ProskillError(
                f"{url}: answers {answer.status_code} and serves no campaign; check --url"
            )


def simulate_annotators(
    urls: Sequence[str],
    *,
    tokens: Sequence[str],
    skill: Mapping[str, float],
    num_votes: int,
    seed: int = 0,
    pause_seconds: float = 0.0,
    log: TextIO | None = None,
) -> SimulationResult:
    """Let annotators vote side by side until all votes are cast or no pair is left.

    Args:
        urls: of servers of the campaign; annotators are dealt out to them in turn.
        tokens: of invite links, one per annotator.
        skill: public id of a clip -> its hidden skill in logits.
        num_votes: of all annotators together.
        seed: same seed, same answers to the same pairs in the same order.
        pause_seconds: of each annotator between two answers.
        log: gets one line `{"token": ...}` for every vote the server acknowledged, at once.

    Raises:
        ServerLostError: the server is gone; the log has every acknowledged vote.
        ProskillError: a link is not accepted, or an answer that no server of ours gives.
    """
    run = _Run(skill=skill, num_left=num_votes, pause_seconds=pause_seconds, log=log)
    asyncio.run(_vote_all(urls, tokens, run, seed))
    return run.result


@dataclass
class _Run:
    """The state that the annotators of one simulation share."""

    skill: Mapping[str, float]
    num_left: int
    pause_seconds: float
    log: TextIO | None
    result: SimulationResult = field(default_factory=SimulationResult)

    def take_ticket(self) -> bool:
        self.num_left -= 1
        return self.num_left >= 0

    def acknowledge(self, token: str, seconds: float) -> None:
        self.result.num_votes += 1
        self.result.vote_seconds.append(seconds)
        if self.log is not None:
            self.log.write(f'{{"token": "{token}"}}\n')
            self.log.flush()


async def _vote_all(urls: Sequence[str], tokens: Sequence[str], run: _Run, seed: int) -> None:
    seeds = np.random.SeedSequence(seed).spawn(len(tokens))
    certificates = httpx.create_ssl_context(trust_env=False)
    started = time.perf_counter()
    try:
        async with asyncio.TaskGroup() as group:
            for place, (token, own_seed) in enumerate(zip(tokens, seeds, strict=True)):
                # One client each, as people have: a shared one slows down with its connections.
                client = httpx.AsyncClient(
                    base_url=urls[place % len(urls)],
                    verify=certificates,
                    timeout=_TIMEOUT_SECONDS,
                    trust_env=False,
                )
                person = _Person(client, run, np.random.default_rng(own_seed))
                group.create_task(person.vote(token))
    except* httpx.TransportError as errors:
        raise ServerLostError(
            f"{' and '.join(urls)}: the server does not answer ({_first(errors)!r}); "
            f"{run.result.num_votes} votes were acknowledged before"
        ) from None
    except* ProskillError as errors:
        raise _first(errors) from None
    finally:
        run.result.seconds = time.perf_counter() - started


def _first(errors: BaseExceptionGroup[Any]) -> BaseException:
    error = errors.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


class _Person:
    """One annotator."""

    def __init__(self, client: httpx.AsyncClient, run: _Run, rng: np.random.Generator) -> None:
        self._client, self._run, self._rng = client, run, rng

    async def vote(self, token: str) -> None:
        async with self._client:
            await self._call("POST", "/api/session", {"token": token})
            work = await self._call("GET", "/api/work")
            self._criteria = [str(criterion["id"]) for criterion in work["campaign"]["criteria"]]
            settings = work["campaign"]["settings"]
            self._has_strength = settings["strength"]
            log_tie = _LOG_TIE if settings["allow_tie"] else -math.inf
            self._annotator = SimulatedAnnotator(log_tie=log_tie)
            # People do not begin in the same millisecond.
            await asyncio.sleep(self._run.pause_seconds * self._rng.random())
            while await self._has_pair(work):
                shown_at = time.time()
                if self._run.pause_seconds:
                    await asyncio.sleep(self._run.pause_seconds)
                if not self._run.take_ticket():
                    return
                work = await self._answer(work["current"], shown_at)

    async def _has_pair(self, work: dict[str, Any]) -> bool:
        """Return whether there is a pair, after waiting for those that others have."""
        while work["current"] is None and work["reason"] == "waiting":
            await asyncio.sleep(_WAIT_SECONDS)
            work |= await self._call("GET", "/api/work")
        if work["current"] is None:
            ended = self._run.result.ended
            ended[work["reason"]] = ended.get(work["reason"], 0) + 1
        return work["current"] is not None

    async def _answer(self, pair: dict[str, Any], shown_at: float) -> dict[str, Any]:
        """Send one vote; return the next work, whether the vote counted or not."""
        token = str(uuid.UUID(bytes=self._rng.bytes(16), version=4))
        vote = {
            "token": token,
            "lease": pair["lease"],
            "answers": {criterion: self._judge(pair) for criterion in self._criteria},
            "shown_at": shown_at,
            "answered_at": time.time(),
            "watched_left": 1.0,
            "watched_right": 1.0,
            "client": "simulated",
        }
        started = time.perf_counter()
        work = await self._call("POST", "/api/votes", vote)
        if "token" in work:
            self._run.acknowledge(token, time.perf_counter() - started)
        else:
            self._run.num_left += 1
        return work

    def _judge(self, pair: dict[str, Any]) -> dict[str, Any]:
        skill = np.array([self._run.skill[pair[side]["clip"]] for side in ("left", "right")])
        (outcome,) = simulate_votes(
            self._rng,
            skill=skill,
            left=np.array([0]),
            right=np.array([1]),
            annotator=np.array([0]),
            annotators=[self._annotator],
        )
        answer: dict[str, Any] = {"answer": _ANSWERS[int(outcome)]}
        if self._has_strength and outcome:
            answer["strength"] = 1 + min(2, int(abs(skill[0] - skill[1])))
        return answer

    async def _call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Return the answer with the next work; a request that came too early is repeated."""
        while True:
            answer = await self._client.request(method, path, json=body)
            content: dict[str, Any] = answer.json()
            if answer.status_code == 200:
                return content
            refusals, code = self._run.result.refusals, content["code"]
            refusals[code] = refusals.get(code, 0) + 1
            if answer.status_code == 409:
                return content
            if answer.status_code not in (429, 503):
                raise ProskillError(
                    f"the server answers {answer.status_code}: {content['message']}"
                )
            await asyncio.sleep(float(answer.headers.get("retry-after", 1)))
