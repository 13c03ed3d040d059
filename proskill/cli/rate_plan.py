"""`proskill rate plan`: what a campaign of votes will cost, and how good its ratings will be."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from proskill.rating.planner import CampaignPlan, Spread


def plan(
    items: Annotated[int, typer.Option(min=2, help="Items to rate on one scale.")],
    agreement: Annotated[
        float,
        typer.Option(
            help="How often two annotators agree on a random pair, as a pilot shows it: between "
            ".5, which is chance, and .97."
        ),
    ],
    votes_per_pair: Annotated[
        int, typer.Option(min=1, help="Votes on each pair, by different annotators.")
    ] = 1,
    seconds_per_vote: Annotated[float, typer.Option(help="How long one vote takes.")] = 20.0,
    levels: Annotated[int, typer.Option(min=2, help="Levels of equal share.")] = 5,
    target_rho: Annotated[
        float, typer.Option(help="Rank correlation with true skill to reach.")
    ] = 0.95,
    repetitions: Annotated[int, typer.Option(min=2, help="Simulated campaigns.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same answer.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Simulate a campaign before the first vote, and estimate the votes it needs.

    Simulated annotators disagree by chance alone; people also disagree about what is good. So take
    the answer as the least that is needed. Groups that are rated apart are planned apart.
    """
    import numpy as np

    from proskill.cli.progress import progress_bar
    from proskill.rating.planner import plan_campaign

    with progress_bar("simulating rounds") as on_progress:
        found = plan_campaign(
            num_items=items,
            agreement=agreement,
            rng=np.random.default_rng(seed),
            votes_per_pair=votes_per_pair,
            seconds_per_vote=seconds_per_vote,
            num_levels=levels,
            target_rho=target_rho,
            num_repetitions=repetitions,
            on_progress=on_progress,
        )
    if as_json:
        print(json.dumps({"simulated": True, "seed": seed, **asdict(found)}, allow_nan=False))
    else:
        _print_plan(found, target_rho=target_rho, num_levels=levels)


def _print_plan(plan: CampaignPlan, *, target_rho: float, num_levels: int) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    answer = (
        f"{plan.comparisons_per_item} comparisons of each item: {plan.num_votes:,} votes, "
        f"{plan.annotator_hours:,.1f} annotator hours"
    )
    if not plan.is_reached:
        answer = f"Not reached: a rho of {target_rho:g} needs more than {answer}"
    console.print(Text(answer, style="bold green" if plan.is_reached else "bold yellow"))
    about = f"simulated, {plan.num_items:,} items"
    if plan.num_simulated_items < plan.num_items:
        about += f" by {plan.num_simulated_items:,}, since the comparisons of an item stay the same"
    console.print(Text(f"({about}; skill spreads by {plan.sigma:.2f} logits)", style="dim"))
    console.print()
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("k", justify="right", no_wrap=True)
    for heading in ("rho", "exact level", "within one", "reliability"):
        table.add_column(heading, justify="right", no_wrap=True)
    for point in plan.curve:
        style = "bold" if point is plan.curve[-1] else ""
        spreads = (point.rho, point.level_accuracy, point.within_one_level, point.reliability)
        cells = (str(point.comparisons_per_item), *map(_spread_text, spreads))
        table.add_row(*(Text(cell) for cell in cells), style=style)
    console.print(table)
    console.print(
        Text(
            f"k: comparisons of each item. Exact level: of {num_levels} equal shares. In brackets: "
            "where 9 of 10 simulated campaigns land. People also disagree about what is good, so "
            "take this as the least that is needed.",
            style="dim",
        )
    )


def _spread_text(spread: Spread) -> str:
    return f"{spread.mean:.3f} ({spread.low:.2f}-{spread.high:.2f})"
