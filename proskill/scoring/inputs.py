"""What a caller hands to the scorer: names, kinds and files of views, checked before any decoding.

Not here: opening the files.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from proskill.errors import ProskillError, VideoError
from proskill.video.sanitize import Proxy
from proskill.view_names import MAX_VIEWS, VIEW_KINDS, guess_kind


@dataclass(frozen=True)
class InputView:
    """One camera's file as asked for.

    Attributes:
        name: of the view.
        path: its file; it need not exist any more where there is a proxy of it.
        kind: "ego" or "exo".
        offset_seconds: added to the common clock to give this file's clock.
        span_seconds: [start, end) of the performance on the common clock; None ends with the file.
        proxy: the copy that is read in the file's place; what is said is said of the file.
        error: why there is no such copy, so that nothing is read.
    """

    name: str
    path: Path
    kind: str
    offset_seconds: float
    span_seconds: tuple[float, float | None] = (0.0, None)
    proxy: Proxy | None = None
    error: VideoError | None = None

    @property
    def read_path(self) -> Path:
        """The file whose pictures are read."""
        return self.path if self.proxy is None else self.proxy.path


def name_views(
    sources: Iterable[str | Path], named: Iterable[tuple[str, str | Path]] = ()
) -> dict[str, Path]:
    """View names for files: a given name stays, others follow from the file's name.

    Files without a name become ego, ego2 ... or exo1, exo2 ..., in the order given.

    Raises:
        ProskillError: a name given twice, or empty.
    """
    views: dict[str, Path] = {}
    for name, path in named:
        if not name.strip():
            raise ProskillError(f"view name {name!r} of {path}: is empty; write NAME=FILE")
        if name in views:
            raise ProskillError(
                f"view {name!r} is given twice ({views[name]} and {path}); give each view its own "
                "name"
            )
        views[name] = Path(path)
    unnamed: dict[str, Path] = {}
    for source in sources:
        path = Path(source)
        unnamed[_free_name(guess_kind(path.stem), {**views, **unnamed})] = path
    return {**unnamed, **views}


def check_views(
    views: Mapping[str, str | Path] | str | Path,
    *,
    kinds: Mapping[str, str] | None = None,
    offsets: Mapping[str, float] | None = None,
    span_seconds: tuple[float, float | None] = (0.0, None),
) -> dict[str, InputView]:
    """The views to score, in the order given.

    Raises:
        ProskillError: no view, more than eight, an empty name, kinds and offsets that are wrong or
            belong to no view, or a span that is none.
        VideoError: a file that is missing or is no file.
    """
    if isinstance(views, str | Path):
        views = name_views([views])
    files = {name: Path(path) for name, path in views.items()}
    inputs = _name_inputs(files, kinds=kinds or {}, offsets=offsets or {})
    for name, file in files.items():
        if not file.exists():
            raise VideoError(file, f"no such file; check the path of view {name!r}")
        if file.is_dir():
            raise VideoError(file, f"is a directory; give one video file for view {name!r}")
    return _spanned(inputs, span_seconds)


def check_proxies(
    proxies: Mapping[str, Proxy | VideoError],
    *,
    kinds: Mapping[str, str] | None = None,
    offsets: Mapping[str, float] | None = None,
    span_seconds: tuple[float, float | None] = (0.0, None),
) -> dict[str, InputView]:
    """The views to score from copies of their files, or why there is no copy, in the order given.

    Raises:
        ProskillError: as `check_views`.
    """
    files = {
        name: given.info.path if isinstance(given, Proxy) else given.path
        for name, given in proxies.items()
    }
    inputs = _name_inputs(files, kinds=kinds or {}, offsets=offsets or {})
    inputs = _spanned(inputs, span_seconds)
    return {
        name: replace(inputs[name], proxy=given)
        if isinstance(given, Proxy)
        else replace(inputs[name], error=given)
        for name, given in proxies.items()
    }


def sha256_of(path: Path) -> str:
    """Hexadecimal sha256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _name_inputs(
    files: Mapping[str, Path], *, kinds: Mapping[str, str], offsets: Mapping[str, float]
) -> dict[str, InputView]:
    if not files:
        raise ProskillError("no view given; give one video file or more")
    if len(files) > MAX_VIEWS:
        raise ProskillError(
            f"{len(files)} views given; at most {MAX_VIEWS} are scored together, so leave out "
            f"{len(files) - MAX_VIEWS}"
        )
    for what, given in (("kinds", kinds), ("offsets", offsets)):
        strangers = [name for name in cast("Mapping[str, object]", given) if name not in files]
        if strangers:
            raise ProskillError(
                f"{what} name the view {strangers[0]!r}, which is not given; views are "
                f"{', '.join(files)}"
            )
    return {
        name: _input_view(name, file, kinds.get(name), offsets.get(name, 0.0))
        for name, file in files.items()
    }


def _spanned(
    inputs: Mapping[str, InputView], span_seconds: tuple[float, float | None]
) -> dict[str, InputView]:
    start, end = span_seconds
    if not 0 <= start < (math.inf if end is None else end):
        raise ProskillError(f"span from {start} to {end} s: must begin at 0 or later and then end")
    return {name: replace(view, span_seconds=span_seconds) for name, view in inputs.items()}


def _input_view(name: str, file: Path, kind: str | None, offset_seconds: float) -> InputView:
    if not name.strip():
        raise ProskillError(f"view name {name!r} of {file}: is empty; give each view a name")
    if kind is None:
        kind = guess_kind(name)
    if kind not in VIEW_KINDS:
        raise ProskillError(f"view {name!r}: kind={kind!r}; allowed are {', '.join(VIEW_KINDS)}")
    if not math.isfinite(offset_seconds):
        raise ProskillError(f"view {name!r}: offset {offset_seconds} is not a number of seconds")
    return InputView(name, file, kind, float(offset_seconds))


def _free_name(kind: str, taken: Mapping[str, Path]) -> str:
    number = 1
    while True:
        # The usual names: one ego camera is "ego", exo cameras are counted from 1.
        name = kind if kind == "ego" and number == 1 else f"{kind}{number}"
        if name not in taken:
            return name
        number += 1
