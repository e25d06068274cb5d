"""Alerts of runs: sent by scripts, and by rules that watch metrics and output."""

from __future__ import annotations

import json
import math
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from pyruns_jupyter.core.alerts.journal import append_alert
from pyruns_jupyter.core.alerts.stored import MAX_STORED, Alert, alerts_of, store_alerts
from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.fs.locks import FileLock
from pyruns_jupyter.core.taskfile.lock import LEFT_SECONDS
from pyruns_jupyter.core.taskfile.task_file import edit_task, own
from pyruns_jupyter.core.tasks.row import read_row
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.engine.queue.jobs import Job
from pyruns_jupyter.engine.run import metric_import
from pyruns_jupyter.engine.run.command import RunCommand
from pyruns_jupyter.engine.run.observation import Observation
from pyruns_jupyter.engine.run.run_alerts import RunAlerts
from tests.engine.support import Project
from tests.support import ROOT, wait_until

if TYPE_CHECKING:
    from tests.engine.conftest import MakeProject

HEAD = f"""\
import math, sys, time
sys.path.insert(0, {str(ROOT)!r})
import pyruns_jupyter as pyruns
"""
SILENCE = "no output for 1s -> stop"
FOREVER = "\nwhile True:\n    time.sleep(0.05)\n"


def alerts(project: Project, name: str, run: int = 1) -> list[Alert]:
    return alerts_of(project.info(name), run)


def test_a_script_sends_alerts(make_project: MakeProject) -> None:
    project = make_project(
        HEAD
        + """
pyruns.alert("Data is old", "from 2024")
pyruns.alert("Done soon", level="info")
print("the last line")
"""
    )
    project.submit(project.task("a"))
    assert project.wait("a") == ["completed"]
    first, second = alerts(project, "a")
    assert first[1:] == ("Data is old", "from 2024", "warning", "")
    assert second[1:] == ("Done soon", "", "info", "")
    log = project.log("a")
    assert b"[PYRUNS] Alert (warning): Data is old: from 2024\n" in log
    row = read_row(project.paths("a").folder)[0]
    assert row.alert is not None
    assert (row.alert.title, row.alert.level, row.alert.number) == ("Done soon", "info", 2)
    assert row.to_dict()["alert"]["title"] == "Done soon"


def test_a_long_run_is_looked_at_less_often(shell: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metric_import, "_SLICE_SECONDS", math.inf)  # on a busy machine, time passes
    job = Job(shell.root, "_shell_", shell.task("t"), "a" * 32, "b", {}, sys.executable)
    journal = job.paths.journal(1)
    journal.parent.mkdir()
    command = RunCommand(["true"], "/", {}, {}, "shell", "", "", journal, None, None, "")
    written: list[bytes] = []
    settings = Settings(system_metrics=False, alerts=("no output for 2s",))
    observation = Observation(job, lambda: job.paths, 1, command, settings, written.append)
    began = time.monotonic() // 5 * 5 + 5  # all runs are looked at together

    def seconds_until_seen(age: float) -> float:
        observation.beat(began + age, began + age, 0)
        assert not observation.has_more
        append_alert(journal, Alert(1.0, "new", "", "warning", ""))
        now, seen = began + age, len(written)
        while len(written) == seen:
            now += 0.25
            observation.beat(now, now, 0)
        return now - began - age

    assert seconds_until_seen(10) <= 2  # two looks at most, as the run may be 5 s older
    assert 4 < seconds_until_seen(1000) < 6
    # Silence ends with the next output, so a rule about it does not wait for the next look.
    observation.beat(began + 2000, began + 2000, 0)
    assert b"no output for 2s" not in b"".join(written)
    observation.beat(began + 2003, began + 2000.5, 0)
    assert b"no output for 2s" in b"".join(written)


def test_an_alert_is_seen_while_the_run_goes_on(make_project: MakeProject) -> None:
    project = make_project(HEAD + 'pyruns.alert("Look")' + FOREVER)
    project.submit(project.task("a"))
    wait_until(lambda: alerts(project, "a"), message=lambda: project.log("a").decode())
    assert project.status("a") == "running"


def test_a_rule_stops_a_run_and_says_why(make_project: MakeProject) -> None:
    project = make_project(HEAD + "pyruns.track(loss=1.0)\npyruns.track(loss=math.nan)" + FOREVER)
    project.submit(project.task("a"), alerts=("loss is nan -> stop",), retries=1)
    assert project.wait("a") == ["cancelled"]
    message = "Stopped by the alert rule 'loss is nan'. loss = nan."
    assert read_row(project.paths("a").folder)[0].message == message
    assert [one[1:] for one in alerts(project, "a")] == [
        ("loss is nan", "loss = nan.", "warning", "loss is nan -> stop")
    ]
    assert f"[PYRUNS] {message}".encode() in project.log("a")
    assert json.loads(project.paths("a").info.read_bytes())["status"] == "cancelled"


def test_rules_of_the_settings_tag_a_task(make_project: MakeProject) -> None:
    project = make_project(HEAD + "for acc in (0.5, 0.4, 0.4, 0.4): pyruns.track(acc=acc)")
    project.settings(
        "alerts: [acc > 3]\nworkspaces:\n"
        "  job: {alerts: [no increase of acc in 3 epochs -> tag stuck]}\n"
        "  other: {alerts: [acc < 1]}\n"
    )
    project.submit(project.task("a", tags=[]))
    assert project.wait("a") == ["completed"]
    assert read_row(project.paths("a").folder)[0].tags == ("stuck",)
    assert [one.title for one in alerts(project, "a")] == ["no increase of acc in 3 epochs"]


def test_a_run_without_output_is_stopped(shell: Project) -> None:
    shell.submit(shell.task("a", "sleep 600"), alerts=(SILENCE,))
    assert shell.wait("a") == ["cancelled"]
    assert [one.text for one in alerts(shell, "a")] == ["There has been no output for 1.0 s."]


def test_values_of_the_script_count_instead_of_imported_ones(make_project: MakeProject) -> None:
    project = make_project(
        HEAD
        + """
with open("metrics.csv", "w") as file:
    file.write("step,loss\\n0,9\\n")
pyruns.track(loss=1.0)
time.sleep(1.5)
with open("metrics.csv", "a") as file:
    file.write("1,9\\n2,9\\n")
"""
    )
    project.submit(project.task("a"), alerts=("loss > 5 for 2 points",))
    assert project.wait("a") == ["completed"]
    assert alerts(project, "a") == []


def test_output_counts_without_a_terminal_too(shell: Project) -> None:
    shell.settings("terminal: false\nmax_jobs: 2\n")
    hold = "while [ ! -e {} ]; do sleep 0.1; done"
    shell.task("talks", f"echo first; {hold.format('go')}; echo second; {hold.format('end')}")
    shell.task("hangs", "sleep 600")
    with shell.scheduler():
        shell.submit("talks", alerts=("no output for 2h -> stop",))
        shell.wait_for_output("talks", b"first")
        shell.pass_time()
        (shell.folder / "go").touch()
        shell.wait_for_output("talks", b"second")
        shell.submit("hangs", alerts=("no output for 1h -> stop",))
        shell.pid("hangs")  # its supervisor has begun to watch it
        shell.pass_time()
        assert shell.wait("hangs") == ["cancelled"]
        (shell.folder / "end").touch()
        assert shell.wait("talks") == ["completed"]
    assert alerts(shell, "talks") == []


def test_numbers_that_no_float_holds_end_no_run(make_project: MakeProject) -> None:
    project = make_project(HEAD + "for step in range(3): pyruns.track(n=10**400, step=10**400 + step)")
    project.submit(project.task("a"), alerts=("n > 5 for 2 steps", "n < 0"))
    assert project.wait("a") == ["completed"]
    project.submit(project.task("b"), alerts=("n > 5",))
    assert project.wait("b") == ["completed"]
    assert [one.text for one in alerts(project, "b")] == ["n = inf."]


def test_alerts_survive_their_supervisor(make_project: MakeProject) -> None:
    """It dies before or after it has stored them in the task file."""
    project = make_project(
        HEAD
        + """
import os, signal
pyruns.alert("Before the end")
os.kill(os.getppid(), signal.SIGKILL)
time.sleep(60)
"""
    )
    project.submit(project.task("a"))
    assert project.wait("a") == ["failed"]
    assert [one.title for one in alerts(project, "a")] == ["Before the end"]


def test_an_alert_begins_a_line_of_the_log(make_project: MakeProject) -> None:
    project = make_project(
        HEAD
        + """
import os
from pathlib import Path
log = Path(os.environ["PYRUNS_TASK_DIR"], "run_logs", "run1.log")
def wait_for(text):
    while text not in log.read_bytes():
        time.sleep(0.05)
print("half a line", end="", flush=True)
wait_for(b"half a line")
pyruns.alert("Look")
wait_for(b"Look")
"""
    )
    project.submit(project.task("a"))
    assert project.wait("a") == ["completed"]
    assert b"half a line\n[PYRUNS] Alert (warning): Look\n" in project.log("a")


def test_a_task_keeps_the_alerts_of_its_latest_runs_only() -> None:
    info: dict[str, Any] = {}
    long = Alert(1.0, "t" * 200, "x" * 2000, "info")
    for run in range(1, 31):
        store_alerts(info, run, [long] * 200)
    assert alerts_of(info, 10) == []
    assert len(alerts_of(info, 11)) == len(alerts_of(info, 30)) == MAX_STORED
    assert len(json.dumps(info)) < 2 << 20


def test_a_tag_that_the_user_removes_stays_removed(make_project: MakeProject) -> None:
    project = make_project(HEAD + "pyruns.track(n=1)\ntime.sleep(3)\npyruns.alert('later')\ntime.sleep(2)")
    project.submit(project.task("a"), alerts=("n > 0 -> tag seen",))
    wait_until(lambda: "seen" in read_row(project.paths("a").folder)[0].tags, message="the tag")
    with edit_task(project.paths("a").folder) as info:
        own(info)["tags"] = []
    assert project.wait("a") == ["completed"]
    assert len(alerts(project, "a")) == 2
    assert read_row(project.paths("a").folder)[0].tags == ()


def test_rules_that_are_wrong_are_refused_or_named(make_project: MakeProject) -> None:
    project = make_project(HEAD)
    with pytest.raises(InvalidInput) as caught:
        project.submit(project.task("a"), alerts=("loss is high",))
    assert caught.value.field == "alerts"
    project.settings("alerts: [loss is high, loss is nan]\nworkspaces: {job: {alerts: never}}\n")
    settings = Settings.load(project.root)
    assert settings.alert_rules("job") == ("loss is nan",)
    assert settings.problem is not None
    assert "not 'loss is high'. This rule is ignored." in settings.problem
    assert "workspaces.job.alerts" in settings.problem
    project.settings("alerts:\nworkspaces:\n  job:\n    alerts:\n")
    assert Settings.load(project.root).problem is None


def test_what_a_script_writes_into_the_journal_by_hand_does_no_harm(make_project: MakeProject) -> None:
    project = make_project(
        HEAD
        + """
import json
pyruns.track(loss=1.0)
[journal] = pyruns.script.__dict__["_journals"].values()
for value in ("text", 3, {"title": 3}, {"title": "x" * 5000, "text": "y" * 5000, "level": "panic"}):
    line = json.dumps({"t": time.time(), "alert": value}) + "\\n"
    journal.write(line.encode())
"""
    )
    project.submit(project.task("a"))
    assert project.wait("a") == ["completed"]
    [one] = alerts(project, "a")
    assert (len(one.title), len(one.text), one.level) == (200, 2000, "warning")


def test_alerts_wait_until_the_lock_of_a_host_that_is_gone_expires(
    shell: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths, clock = shell.paths(shell.task("T", "true")), [1000.0]
    held = FileLock(paths.folder / ".task_info.json.lock.guard")
    held.acquire(timeout=5)

    def sleep(seconds: float) -> None:
        clock[0] += seconds
        if clock[0] > 1010 + LEFT_SECONDS:
            held.release()

    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(time, "sleep", sleep)
    run = RunAlerts([SILENCE], lambda: paths, 1, lambda _: None)
    clock[0] = 1010.0
    assert run.beat(1010.0, 1000.0)
    run.finish()
    assert [alert.title for alert in alerts(shell, "T")] == ["no output for 1s"]
