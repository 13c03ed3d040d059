"""The page around the tabs: theme, scripts, and the bridge from Gradio to our own elements."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import gradio as gr

_FONT = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif"]
_MONO = ["ui-monospace", "SF Mono", "Consolas", "monospace"]
_SCRIPTS = ("views.js", "player.js", "reports.js", "compare.js", "progress.js", "history.js")

# How every event of the page is set: no part of the API, with our own progress.
HIDDEN: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
# The same for those of which several may be under way at once.
PRIVATE: dict[str, Any] = {**HIDDEN, "trigger_mode": "multiple"}

# Hands every new value to the element and sends what the element says as a Gradio event. The
# element may not be defined yet: scripts are fetched beside Gradio's own.
_BRIDGE = """
const events = %(events)s;
const part = element.querySelector(%(tag)s);
const plain = () => JSON.parse(JSON.stringify(props.value ?? null));
customElements.whenDefined(%(tag)s).then(() => {
  part.send = (type, detail) => { if (events.includes(type)) trigger(type, detail); };
  part.show(plain());
  watch('value', () => part.show(plain()));
});
"""


def element(tag: str, *, events: Sequence[str] = (), value: Any = None) -> gr.HTML:
    """Return one of our own HTML elements, fed with JSON.

    Args:
        tag: of the element, defined by a script of `head`.
        events: of the element; each becomes a method of the component, like Gradio's own.
        value: the first one.
    """
    bridge = _BRIDGE % {"events": json.dumps(list(events)), "tag": json.dumps(tag)}
    return gr.HTML(
        value=value,
        html_template=f'<div class="coach"><{tag}></{tag}></div>',
        js_on_load=bridge,
        apply_default_css=False,
    )


def detail_of(event: gr.EventData) -> dict[str, Any]:
    """Return the detail of an element's event; empty where it is of another form."""
    return event._data if isinstance(event._data, dict) else {}


def head() -> str:
    """Return the tags of scripts and styles besides Gradio's, all from this server."""
    scripts = "".join(
        f'<script type="module" src="coach/static/{name}"></script>' for name in _SCRIPTS
    )
    return (
        '<meta name="color-scheme" content="light dark">'
        f'<link rel="stylesheet" href="coach/static/look.css">{scripts}'
    )


def theme() -> gr.themes.Base:
    """Return a theme in the colours of `palette.css`, with the fonts of the machine."""
    both = {
        "body_background_fill": "var(--page)",
        "body_text_color": "var(--ink)",
        "body_text_color_subdued": "var(--soft)",
        "background_fill_primary": "var(--card)",
        "background_fill_secondary": "var(--page)",
        "block_background_fill": "var(--card)",
        "block_border_color": "var(--line)",
        "border_color_primary": "var(--line)",
        "border_color_accent": "var(--accent)",
        "color_accent": "var(--accent)",
        "color_accent_soft": "var(--accent-soft)",
        "input_background_fill": "var(--card)",
        "button_primary_background_fill": "var(--accent)",
        "button_primary_background_fill_hover": "var(--accent)",
        "button_primary_text_color": "var(--card)",
        "button_secondary_background_fill": "var(--none-soft)",
        "button_secondary_background_fill_hover": "var(--line)",
        "button_secondary_text_color": "var(--ink)",
    }
    base = gr.themes.Base(font=_FONT, font_mono=_MONO, radius_size="lg")
    has_dark = set(vars(base))
    dark = {f"{name}_dark": value for name, value in both.items() if f"{name}_dark" in has_dark}
    return base.set(**both, **dark)
