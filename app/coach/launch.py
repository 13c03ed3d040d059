"""`launch_coach` builds the page, a tab each from its own file, and serves it."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

from proskill.errors import ProskillError

from .server import Coach, CoachSettings

_PROMISE = (
    "Videos stay on the machine that serves this page. Originals are deleted as soon as they are "
    "copied, and the copies soon after you close the page. This is decision support, not "
    "selection: a person who knows the activity should look at the performance, too. Film minors "
    "only with their guardians' consent."
)


def launch_coach(settings: CoachSettings) -> None:
    """Serve the page until the process is interrupted or told to end.

    Raises:
        ProskillError: accounts or a checkpoint that cannot be used.
        OSError: the address is taken, or there is no room for temporary files.
    """
    coach = Coach(settings)
    try:
        _serve(coach)
    finally:
        coach.close()
    if coach.failure is not None:
        raise coach.failure


def _serve(coach: Coach) -> None:
    # Gradio reads these when it is imported.
    os.environ["GRADIO_TEMP_DIR"] = str(coach.uploads.folder)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_OFFLINE"] = "1"

    from ..web.security import as_text, error_handlers
    from .accounts import Accounts
    from .guard import coach_middleware
    from .login import Logins
    from .page import head, theme
    from .routes import coach_routes, status_of

    settings = coach.settings
    logins = None
    if settings.accounts is not None:
        logins = Logins(Accounts.read(settings.accounts))
    page = build_page(coach)
    page.queue(default_concurrency_limit=None, max_size=200)
    page.launch(
        server_name=f"[{settings.host}]" if ":" in settings.host else settings.host,
        server_port=settings.port,
        quiet=True,
        prevent_thread_lock=True,
        auth_dependency=None if logins is None else _account,
        app_kwargs={
            "middleware": coach_middleware(
                uploads=coach.uploads,
                sessions=coach.sessions,
                logins=logins,
                is_local=settings.is_local,
            ),
            "routes": coach_routes(uploads=coach.uploads, media=coach.media, logins=logins),
            "exception_handlers": error_handlers(as_text, ProskillError, status_of),
        },
        allowed_paths=[],
        max_file_size=settings.max_upload_bytes,
        state_session_capacity=300,
        share=False,
        ssr_mode=False,
        mcp_server=False,
        enable_monitoring=False,
        run_history=False,
        pwa=False,
        footer_links=[],
        theme=theme(),
        head=head(),
    )
    ended = threading.Event()
    coach.start(on_failure=ended.set)
    print(_where(page.local_url, settings), flush=True)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()
    page.close(verbose=False)


def _where(url: str, settings: CoachSettings) -> str:
    others = "" if settings.is_local else f"; others name this machine and port {settings.port}"
    return f"The coach's page is at {url}{others} (end it with Ctrl-C)."


def build_page(coach: Coach) -> Any:
    """Build the page as Gradio blocks."""
    import gradio as gr

    from .api import add_endpoint
    from .compare import build_compare
    from .examples import examples_of
    from .history import build_history
    from .score import build_score

    with gr.Blocks(title="proskill", analytics_enabled=False, fill_width=True) as page:
        scored = gr.State("")
        gr.HTML(
            '<div class="coach"><header class="page"><div class="kicker">proskill</div>'
            "<h1>How skilled is it, how sure is that, and where does it show?</h1></header></div>",
            apply_default_css=False,
        )
        with gr.Tabs():
            with gr.Tab("Score"):
                build_score(coach, scored=scored, examples=examples_of(coach.settings.examples))
            with gr.Tab("Compare"):
                build_compare(coach, scored=scored)
            with gr.Tab("History"):
                build_history(coach, scored=scored)
        gr.HTML(
            f'<div class="coach"><p class="promise">{_PROMISE}</p></div>', apply_default_css=False
        )
        add_endpoint(coach)
    return page


def _account(request: Any) -> str | None:
    """Return the account of a request, which the guard before Gradio found out."""
    account: str = request.scope["state"]["account"]
    return account or None
