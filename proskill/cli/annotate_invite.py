"""`proskill annotate invite`: links for people, and their end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

import typer

from proskill.cli.annotate_serve import Campaign, served_address
from proskill.errors import CampaignError

if TYPE_CHECKING:
    from proskill.annotation import Annotator

_LOCAL_HOSTS: Final = ("127.0.0.1", "localhost", "::1")


def invite(
    campaign: Campaign,
    annotator: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Whom to invite; may be repeated.", show_default=False),
    ] = None,
    more: Annotated[
        list[str] | None, typer.Argument(help="More names.", show_default=False)
    ] = None,
    organiser: Annotated[
        bool, typer.Option("--organiser", help="As organisers, who see and steer the campaign.")
    ] = False,
    revoke: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Whose link is to open nothing any more; may be repeated.",
            show_default=False,
        ),
    ] = None,
    url: Annotated[
        str, typer.Option(help="Where the campaign is served, as annotators reach it.")
    ] = "http://127.0.0.1:8000",
) -> None:
    """Print a link for each name, which is shown this once; an earlier link of theirs ends.

    A link is a key: give it to its owner alone.
    """
    from proskill.annotation import CampaignStore

    names = [" ".join(name.split()) for name in [*(annotator or []), *(more or [])]]
    if not names and not revoke:
        raise typer.BadParameter("name whom to invite with --annotator, or --revoke somebody")
    address = served_address(url)
    page = address + ("/organiser" if organiser else "/")
    with CampaignStore.open(campaign) as store:
        known = {person.name: person for person in store.annotators()}
        _check_names(names, revoke or [], known, is_organiser=organiser)
        for gone in revoke or []:
            store.set_revoked(known[gone].id, True, who="command line", now=time.time())
            print(f"{gone}\trevoked")
        for new in names:
            token = store.invite(
                new, role="organiser" if organiser else "annotator", now=time.time()
            )
            print(f"{new}\t{page}#t={token}")
    if again := [name for name in names if name in known and known[name].revoked_at is None]:
        typer.echo(f"Earlier links open nothing any more: those of {', '.join(again)}.", err=True)
    if names:
        typer.echo(_where_links_lead(address), err=True)


def _check_names(
    names: list[str], revoked: list[str], known: dict[str, Annotator], *, is_organiser: bool
) -> None:
    """Check names before any change, so that no link is made and then not shown."""
    for gone in revoked:
        if gone not in known:
            raise CampaignError(f"nobody of the name {gone!r} was invited")
    for place, name in enumerate(names):
        if name in names[:place]:
            raise CampaignError(
                f"{name!r} is named twice, and only the last link of a name opens anything; tell "
                "people of one name apart"
            )
        if name in known and (known[name].role == "organiser") != is_organiser:
            raise CampaignError(
                f"{name!r} is invited as {known[name].role} already; choose another name"
            )


def _where_links_lead(address: str) -> str:
    if urlsplit(address).hostname in _LOCAL_HOSTS:
        return (
            f"These links lead to {address}, which only this machine reaches. For others, or for "
            "another port, invite again with --url and the address that they will open."
        )
    return f"These links lead to {address}; `proskill annotate serve` must be reached there."
