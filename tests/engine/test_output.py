"""What programs write, and what of it stands in the log: terminals, bars, odd bytes, limits, no terminal."""

from __future__ import annotations

import errno
import os
import re
import time
from functools import partial
from pathlib import Path

import pytest

from pyruns_jupyter.core.logs.time_index import read_marks
from pyruns_jupyter.engine.run.output import OutputCopier, TimeMarks
from tests.support import wait_until

from .support import Project, python

BANNER = re.compile(rb"(?m)^\[PYRUNS\] .*\n")


def text_of(project: Project, name: str) -> bytes:
    """The bytes between the banners, as they are."""
    log = project.log(name)
    begin = log.index(b"script none\n") + len(b"script none\n")
    return log[begin : log.index(b"[PYRUNS] ==================== FINISH")]


def run(project: Project, script: str, settings: str = "", expected: str = "completed") -> bytes:
    project.settings(settings)
    name = project.task(f"t{len(list(project.workspace.tasks.iterdir()))}", script)
    project.submit(name)
    # A terminal passes on 4 KiB at a time: 40 MB of them take a while on a busy machine.
    assert project.wait(name, timeout=150) == [expected], project.log(name)[-2000:]
    return text_of(project, name)


def test_the_size_of_the_terminal_is_a_setting(shell: Project) -> None:
    script = "stty size < /dev/tty; tput cols 2>/dev/null; echo $COLUMNS"
    assert run(shell, script).split()[:2] == [b"30", b"120"]
    assert run(shell, script, "terminal_columns: 80\nterminal_rows: 24\n").split()[:2] == [b"24", b"80"]


def test_a_slow_program_is_read_a_few_times_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for its first output after a silence, nor does a quicker program wait for its reader.

    All programs of a host are read at the same moments.
    """
    source, program = os.pipe()
    os.set_blocking(source, False)
    log = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    output = OutputCopier(source, log)
    about = partial(pytest.approx, abs=0.002)

    def rest_after(seconds: float, size: int) -> float:
        nonlocal now
        now += seconds
        assert output.rests_until <= now
        os.write(program, b"x" * size)
        assert output.copy()
        return max(0.0, output.rests_until - now)

    assert rest_after(1, 50) == 0  # the run may be a short one
    assert rest_after(10.1, 50) == about(0.4)  # until 1011.5
    assert rest_after(0.401, 20) == about(0.499)
    assert rest_after(0.5, 2048) == about(0.25)
    assert rest_after(60, 50) == about(0.499)
    now += 0.5
    assert not output.copy()
    assert output.rests_until <= now
    assert rest_after(0.5, 5000) == 0  # a terminal may have been full
    assert rest_after(200, 50) == 0
    assert rest_after(100, 50) == about(0.499)
    for descriptor in (source, program, log):
        os.close(descriptor)


BARS = """
import sys, time
from tqdm import tqdm
from rich.console import Console
from rich.progress import track
for _ in tqdm(range(20), desc="épochs", mininterval=0): pass
console = Console()
print(console.is_terminal, console.width, flush=True)
for _ in track(range(5), description="rich", console=console): time.sleep(0.02)
console.print("[red]red[/red] end")
"""


def test_progress_bars_rewrite_their_line_and_colours_stay(shell: Project) -> None:
    found = run(shell, python(BARS))
    bar = found[: found.index(b"True 120")]
    assert bar.count(b"\r") >= 20
    assert "épochs: 100%|".encode() in bar
    assert b"20/20" in bar
    assert "█".encode() in bar
    assert b"\x1b[31mred\x1b[0m end" in found
    assert b"rich" in found


PIECES = """
import os, time
data = "漢字é🎉".encode() * 3 + "café".encode("latin-1")
data += b"\\x80\\xff\\x00\\x1b[2J\\x9b\\x1b]0;title\\x07 end"
for at in range(len(data)):
    os.write(1, data[at:at + 1])
    time.sleep(0.001)
"""


@pytest.mark.parametrize("settings", ["", "terminal: false\n", "terminal: false\nlog_limit_mb: 1\n"])
def test_bytes_stay_as_they_are_however_they_come(shell: Project, settings: str) -> None:
    data = "漢字é🎉".encode() * 3 + "café".encode("latin-1")
    assert run(shell, python(PIECES), settings) == data + b"\x80\xff\x00\x1b[2J\x9b\x1b]0;title\x07 end"


@pytest.mark.parametrize("limit", ["", "log_limit_mb: 1000\n"])
def test_a_run_without_a_terminal(shell: Project, limit: str) -> None:
    script = "tty <&1; [ -t 1 ] || echo no; echo error >&2; head -c 50000000 /dev/zero"
    found = run(shell, script, f"terminal: false\n{limit}")
    assert found.startswith(b"not a tty\nno\n")
    assert found.endswith(b"error\n" + b"\0" * 50_000_000)
    assert re.search(rb"Duration: [\d.]+s\n\Z", shell.log("t0"))


def test_a_run_without_a_terminal_is_stopped_with_all_it_started(shell: Project) -> None:
    shell.settings("terminal: false\n")
    shell.task("T", "(setsid sh -c 'echo in; sleep 600') & sleep 601")
    shell.submit("T")
    shell.wait_for_output("T", b"in\n")
    from pyruns_jupyter.engine.client.submit import cancel

    cancel(shell.workspace, "T")
    assert shell.wait("T") == ["cancelled"]
    import psutil

    def left() -> list[str]:
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("PYRUNS_TASK_DIR") == str(shell.paths("T").folder):
                    found.append(str(process))
            except psutil.Error:
                continue
        return found

    wait_until(lambda: not left(), message=lambda: str(left()))


@pytest.mark.parametrize("terminal", ["true", "false"])
def test_a_limit_keeps_the_beginning_and_the_end(shell: Project, terminal: str) -> None:
    program = """
for number in range(400_000):
    print(f"line {number:09}")
raise ValueError("the end")
"""
    found = run(shell, python(program), f"log_limit_mb: 0.5\nterminal: {terminal}\n", "failed")
    found = re.sub(rb"\x1b\[[0-9;]*m", b"", found)  # newer Pythons colour tracebacks on a terminal
    assert found.startswith(b"line 000000000\nline 000000001\n")
    (place,) = [match.start() for match in BANNER.finditer(found)]
    assert 500_000 <= place <= 500_001
    (left_out,) = re.findall(rb"log_limit_mb. ([\d,]+) bytes are omitted here", found)
    end = found[found.index(b"\n", place + 1) + 1 :]
    assert end.endswith(b"ValueError: the end\n")
    assert re.match(rb"line \d{9}\n", end)
    assert len(end) <= 256 * 1024
    whole = 400_000 * 15 + len(end) - end.index(b"Traceback")
    assert abs(500_000 + int(left_out.replace(b",", b"")) + len(end) - whole) <= 15
    # What the run died of is told from the end.
    assert shell.info("t0")["pyruns_jupyter"]["failures"]["1"][0] == "ValueError: the end"


def test_a_little_more_than_the_limit_loses_nothing(shell: Project) -> None:
    found = run(shell, "head -c 650000 /dev/zero", "log_limit_mb: 0.5\n")
    assert found == b"\0" * 650_000


def test_one_line_without_an_end(shell: Project) -> None:
    """40 MB at once, as a program does that prints a dictionary of everything."""
    assert run(shell, "head -c 40000000 /dev/zero | tr '\\0' x") == b"x" * 40_000_000


@pytest.mark.parametrize("settings", ["", "terminal: false\n", "terminal: false\nlog_limit_mb: 10\n"])
def test_who_keeps_the_output_open_does_not_hold_the_end_up(shell: Project, settings: str) -> None:
    """A grandchild in a session of its own writes on after the task has ended."""
    stays = "setsid sh -c 'echo up; touch up; while [ ! -e stop ]; do sleep 0.1; done'"
    script = f"{stays} & while [ ! -e up ]; do sleep 0.1; done; exit 7"
    try:
        found = run(shell, script, settings, "failed")
        assert found == b"up\n"
        assert shell.info("t0")["exit_codes"] == [7]
    finally:
        (shell.folder / "stop").touch()


@pytest.mark.parametrize("settings", ["", "terminal: false\n"])
def test_a_program_that_closes_its_output_lives_on(shell: Project, settings: str) -> None:
    found = run(shell, "echo before; exec >&- 2>&-; sleep 0.5; touch after; exit 4", settings, "failed")
    assert found == b"before\n"
    assert (shell.folder / "after").exists()
    assert shell.info("t0")["exit_codes"] == [4]


def first_mark(project: Project, name: str, place: int) -> tuple[int, float]:
    """Wait for the first mark behind a place of the log."""
    [mark] = wait_until(lambda: read_marks(project.paths(name).times(1), place, place + 1, 100))
    return mark


LINES = """
import os, time
for number in range(3):
    print("line", number, flush=True)
    while not os.path.exists(f"go{number}"):
        time.sleep(0.05)
"""


@pytest.mark.parametrize("settings", ["", "terminal: false\n"])
def test_marks_tell_when_the_log_grew(shell: Project, settings: str) -> None:
    shell.settings(settings)
    name = shell.task("slow", python(LINES))
    allowed_at = time.time()
    shell.submit(name)
    for number in range(3):
        shell.wait_for_output(name, b"line %d\n" % number)
        size, written_at = first_mark(shell, name, shell.log(name).index(b"line %d" % number))
        assert written_at >= allowed_at - 0.1  # marks have tenths of seconds
        assert size == len(shell.log(name))
        allowed_at = time.time()
        (shell.folder / f"go{number}").touch()
    assert shell.wait(name) == ["completed"]
    log = shell.log(name)
    marks = read_marks(shell.paths(name).times(1), 0, len(log), 100)
    assert marks[-1][0] == log.index(b"[PYRUNS] ==================== FINISH")
    # While it did not grow there was nothing to be marked.
    assert len(shell.paths(name).times(1).read_bytes().splitlines()) == len(marks)


def test_a_short_run_and_one_whose_marks_cannot_be_written_have_none(shell: Project) -> None:
    run(shell, "echo short")
    if shell.info("t0")["durations"][0] < 1:  # else the machine stood still, and it was no short run
        assert not list(shell.workspace.tasks.glob("*/run_logs/*.times"))
    name = shell.task("odd", python("import time\nfor n in range(3): print(n, flush=True); time.sleep(0.8)"))
    shell.paths(name).times(1).mkdir(parents=True)
    shell.submit(name)
    assert shell.wait(name) == ["completed"]
    assert b"2\n" in shell.log(name)


def test_a_disk_that_does_not_respond_for_a_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the marks nor the question whether a program has written anything may end its run."""
    log = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    output, marks = OutputCopier(None, log), TimeMarks(tmp_path / "times", log)
    now = time.monotonic() + 10
    os.write(log, b"first\n")

    def stale(descriptor: int) -> os.stat_result:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fstat", stale)
        assert not output.has_grown()
        marks.update(now)
    assert output.has_grown()
    marks.update(now)
    marks.finish()
    os.close(log)
    assert [size for size, _ in read_marks(tmp_path / "times", 0, 6, 100)] == [6]


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EFBIG, errno.ENOSPC])
def test_a_log_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    log, renewed, write = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT), tmp_path / "renewed", os.write
    output = OutputCopier(None, log, path=lambda: renewed)

    def fail(descriptor: int, data: memoryview) -> int:
        if renewed.exists() and os.path.samestat(os.fstat(descriptor), renewed.stat()):
            return write(descriptor, data)
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", fail)
        output.put(b"first\n")
        assert output.is_stuck is (number != errno.EFBIG)
        output.copy()
        assert output.is_stuck is (number == errno.ENOSPC)
    output.put(b"second\n")
    assert not output.is_stuck
    os.close(log)
    kept = b"second\n" if number == errno.EFBIG else b"first\nsecond\n"
    assert (renewed if number == errno.ESTALE else tmp_path / "log").read_bytes() == kept
