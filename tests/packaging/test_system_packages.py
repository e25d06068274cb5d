"""What `make test` says on a machine where it cannot install the packages that the tests need."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support import ROOT

SCRIPT = ROOT / "tools" / "system_packages.sh"
BASICS = ("bash", "fc-list", "grep", "cat", "mktemp", "rm")
BROWSER = "chromium" if shutil.which("chromium") else "chromium-headless-shell"


def required() -> list[str]:
    """The commands that the script looks for."""
    return re.findall(r"^need ([\w-]+) ", SCRIPT.read_text(encoding="utf-8"), re.MULTILINE)


def run_without(command: str, folder: Path, *, apt: bool) -> subprocess.CompletedProcess[str]:
    """Run the script as a user without root and sudo, on a machine without ``command``."""
    for name in {*BASICS, BROWSER, *required(), *(["apt-get"] if apt else [])} - {command}:
        found = shutil.which(name)
        assert found, name
        (folder / name).symlink_to(found)
    # In a user namespace without a mapping even root is nobody.
    nobody = [shutil.which("unshare") or "unshare", "--user"] if os.geteuid() == 0 else []
    return subprocess.run(
        [*nobody, "bash", SCRIPT],
        env={"PATH": str(folder), "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )


def test_nothing_is_said_where_all_is_there(tmp_path: Path) -> None:
    done = run_without("", tmp_path, apt=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_without_root_one_sentence_names_the_packages(tmp_path: Path) -> None:
    done = run_without("sbatch", tmp_path, apt=True)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        "make test: Debian packages are missing, and installing them needs root or sudo without a password; "
        "run: apt-get install slurm-wlm\n"
    )


def test_on_another_distribution_the_commands_are_named(tmp_path: Path) -> None:
    done = run_without("zsh", tmp_path, apt=False)
    assert done.returncode == 1
    assert done.stderr == (
        "make test: these are missing, and without apt-get they cannot be installed automatically: zsh.\n"
    )


def test_continuous_integration_only_calls_make_test() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line and not line.startswith(("#", "set ", "cd "))]
    assert commands == ["exec make --no-print-directory test"]
