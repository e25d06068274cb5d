"""The setting `log_metrics`: which expressions find metrics in the logs of the tasks of a workspace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from pyruns_jupyter.core.common.errors import shown

KEY, AUTO = "log_metrics", "auto"


class MetricSettings(Struct, frozen=True):
    """The patterns of a project, and those of single workspaces, by name: None for none, () for `auto`."""

    patterns: tuple[str, ...] | None = None
    workspaces: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)

    def of(self, workspace: str) -> tuple[str, ...] | None:
        """Return the patterns of a workspace."""
        return self.workspaces.get(workspace, self.patterns)

    @classmethod
    def parse(cls, values: Mapping[Any, Any]) -> tuple[MetricSettings, list[str]]:
        """Return the settings in `log_metrics` and `workspaces`, and their problems as sentences."""
        problems: list[str] = []
        patterns = _patterns(KEY, values.get(KEY), None, problems)
        workspaces = values.get("workspaces")
        single = {
            name: _patterns(f"workspaces.{name[:80]}.{KEY}", one[KEY], patterns, problems)
            for name, one in (workspaces.items() if isinstance(workspaces, dict) else ())
            if isinstance(name, str) and isinstance(one, dict) and one.get(KEY) is not None
        }
        return cls(patterns, single), problems


def _patterns(
    key: str, value: object, default: tuple[str, ...] | None, problems: list[str]
) -> tuple[str, ...] | None:
    """Return the patterns of a value, the default with a problem if it is not valid."""
    if value is None or value is False:
        return None
    if value == AUTO:
        return ()
    # Imported here because few projects have patterns.
    from pyruns_jupyter.core.common.metric_patterns import MAX_PATTERNS, LogPatterns

    if not isinstance(value, list) or not 0 < len(value) <= MAX_PATTERNS:
        kind = f"false, auto or a list of at most {MAX_PATTERNS} regular expressions"
        problems.append(f"{key} must be {kind}, not {shown(value)}.")
        return default
    try:
        LogPatterns(value)
    except ValueError as error:
        problems.append(f"{key}: {error}.")
        return default
    return tuple(value)
