"""Scripts, styles and pages that are served as they are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

import proskill.reports.toolkit

_SHARED: Final = Path(__file__).parent / "static"
_PALETTE: Final = Path(proskill.reports.toolkit.__path__[0]) / "templates" / "palette.css"
_MEDIA_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
}


def static_routes(
    prefix: str, folder: Path, *, pages: Mapping[str, str] | None = None
) -> list[Route]:
    """Serve the files that exist now, each by an address of its own: no path is put together.

    Args:
        prefix: of the addresses, such as "/static".
        folder: of the files; the shared ones and the palette are served beside them.
        pages: address -> name of the file that is also served there.
    """
    found = [_PALETTE, *sorted(_SHARED.iterdir()), *sorted(folder.iterdir())]
    files = {f"{prefix}/{path.name}": path for path in found if path.suffix in _MEDIA_TYPES}
    files |= {address: folder / name for address, name in (pages or {}).items()}
    return [Route(address, _sender(path), methods=["GET"]) for address, path in files.items()]


def _sender(path: Path) -> Callable[[Request], Awaitable[Response]]:
    async def send(request: Request) -> Response:
        return FileResponse(
            path, media_type=_MEDIA_TYPES[path.suffix], headers={"cache-control": "no-cache"}
        )

    return send
