"""YAML files of datasets as mappings, lists and text, without running code from them.

All scalars stay text, so that an id such as 001 does not become the number 1. Anchors and aliases
are not read: a few hundred bytes of them could stand for millions of entries.
"""

from __future__ import annotations

from typing import Any


def load_plain_yaml(text: str) -> Any:
    """Parse a YAML text.

    Raises:
        ValueError: not such YAML; the message is one line.
    """
    import yaml

    class PlainLoader(yaml.BaseLoader):  # type: ignore[misc]
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise yaml.YAMLError("anchors and aliases are not read")
            return super().compose_node(parent, index)

    try:
        return yaml.load(text, Loader=PlainLoader)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())[:200]) from None
