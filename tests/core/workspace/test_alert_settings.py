"""Alert rules are changed in the text of the settings; everything else in it stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyruns_jupyter.core.common.errors import Conflict, InvalidInput, InvalidInputs
from pyruns_jupyter.core.taskfile.paths import SETTINGS_NAME
from pyruns_jupyter.core.workspace.alert_settings import AlertRules, change_alert_rules
from pyruns_jupyter.core.workspace.settings import Settings

NAN, SILENT = "loss is nan -> stop", "no output for 10m"
NONE = AlertRules((), ())


def changed(root: Path, text: str | None, project: tuple[str, ...], own: tuple[str, ...]) -> str:
    """The text of the settings after a change of the rules of the workspace `train`."""
    path = root / SETTINGS_NAME
    path.unlink(missing_ok=True)
    if text is not None:
        path.write_text(text)
    rules = AlertRules(project, own)
    change_alert_rules(root, "train", rules, expected=AlertRules.of(Settings.load(root), "train"))
    settings = Settings.load(root)
    assert settings.problem is None
    assert AlertRules.of(settings, "train") == rules
    return path.read_text() if path.exists() else ""


@pytest.mark.parametrize(
    ("text", "project", "own", "expected"),
    [
        ("", (NAN,), (), 'alerts: ["loss is nan -> stop"]\n'),
        ("", (), (NAN,), 'workspaces: {"train": {"alerts": ["loss is nan -> stop"]}}\n'),
        ("# mine\nterminal: false", (NAN,), (), '# mine\nterminal: false\nalerts: ["loss is nan -> stop"]\n'),
        (
            "alerts:\n  - loss is nan -> stop\n  - loss > 3\n\n# end\nresume: true # yes\n",
            (SILENT,),
            (),
            'alerts: ["no output for 10m"]\n\n# end\nresume: true # yes\n',
        ),
        ("alerts: [a is nan] # all\n", (), (), "alerts: [] # all\n"),
        ("alerts:\nresume: true\n", (NAN,), (), 'alerts: ["loss is nan -> stop"]\nresume: true\n'),
        (
            "workspaces:\n  other:\n    alerts: [a is nan]\n# end\n",
            (),
            (NAN,),
            (
                "workspaces:\n  other:\n    alerts: [a is nan]\n"
                '  "train": {"alerts": ["loss is nan -> stop"]}\n# end\n'
            ),
        ),
        (
            "workspaces:\n  train:\n    engine: slurm # far\n  other: {}\n",
            (),
            (NAN,),
            (
                "workspaces:\n  train:\n    engine: slurm # far\n"
                '    "alerts": ["loss is nan -> stop"]\n  other: {}\n'
            ),
        ),
        (
            "workspaces:\n  train: { alerts: [a is nan], engine: local } # x\n",
            (),
            (),
            "workspaces:\n  train: { alerts: [], engine: local } # x\n",
        ),
        (
            "workspaces: {train: {engine: local}}\n",
            (),
            (NAN,),
            'workspaces: {train: {"alerts": ["loss is nan -> stop"], engine: local}}\n',
        ),
    ],
)
def test_a_change_keeps_the_rest(
    tmp_path: Path, text: str, project: tuple[str, ...], own: tuple[str, ...], expected: str
) -> None:
    assert changed(tmp_path, text, project, own) == expected


def test_both_lists_in_the_settings_of_a_new_project(tmp_path: Path) -> None:
    rules = ("loss is nan -> tag größe",)
    text = changed(tmp_path, None, rules, (SILENT,))
    assert "terminal: true" in text
    assert changed(tmp_path, text, (), ()).endswith('\nalerts: []\nworkspaces: {"train": {"alerts": []}}\n')


@pytest.mark.parametrize(
    "text",
    [
        "alerts:\n  # all\n  - loss is nan\n",  # a comment would be lost
        "x: &a [loss is nan]\nalerts: *a\n",
        "a: 1\n---\nb: 2\n",
    ],
)
def test_what_cannot_be_changed_stays(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidInput):
        changed(tmp_path, text, (SILENT,), (NAN,))
    assert (tmp_path / SETTINGS_NAME).read_text() == text


def test_rules_that_changed_meanwhile(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_NAME).write_text("alerts: [loss is nan]\n")
    with pytest.raises(Conflict, match="changed by another process"):
        change_alert_rules(tmp_path, "train", AlertRules((SILENT,), ()), expected=NONE)


def test_each_wrong_rule_has_an_error() -> None:
    with pytest.raises(InvalidInputs) as caught:
        AlertRules.parse(["loss is nan", "loss is high"], ["x", " loss  >  3 -> tag  a "])
    assert [error.field for error in caught.value.errors] == ["project[1]", "workspace[0]"]
    assert AlertRules.parse([], [" loss  >  3 -> tag  a "]).workspace == ("loss > 3 -> tag a",)
    with pytest.raises(InvalidInput, match="At most 50"):
        AlertRules.parse(["loss is nan"] * 51, [])
