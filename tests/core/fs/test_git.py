"""Asking git about a repository runs nothing that the repository names, however it names it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from pyruns_jupyter.core.fs.git import run_git
from tests.core.provenance.test_snapshots import git


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A program that leaves a mark when it runs."""
    program = tmp_path / "evil"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/EXECUTED\ncat\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A repository with one commit whose file has to be read again to know whether it changed."""
    folder = tmp_path / "repo"
    folder.mkdir()
    (folder / "data.txt").write_text("1\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")
    touch(folder / "data.txt")
    return folder


def touch(path: Path) -> None:
    os.utime(path, (time.time() + 60, time.time() + 60))


def ask(folder: Path) -> str | None:
    run_git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard", timeout=20)
    return run_git(folder, "status", "--porcelain=v2", "--branch", "-z", timeout=20)


@pytest.mark.parametrize("kind", ["clean", "process", "smudge"])
@pytest.mark.parametrize("name", ["evil", "ev.il", "e v'i\"l", "Évil", "a=b", "a=b.clean=c", ""])
def test_filters(tmp_path: Path, top: Path, trap: Path, name: str, kind: str) -> None:
    attribute = name if name.isalnum() and name.isascii() else "x"
    (top / ".git" / "info").mkdir(exist_ok=True)
    (top / ".git" / "info" / "attributes").write_text(f"*.txt filter={attribute}\n*.txt filter={name}\n")
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    with (top / ".git" / "config").open("a") as config:
        config.write(f'[filter "{quoted}"]\n\t{kind} = {trap}\n\trequired = true\n')
    ask(top)
    assert not (tmp_path / "EXECUTED").exists()


def test_a_filter_of_an_included_file_and_of_a_worktree(tmp_path: Path, top: Path, trap: Path) -> None:
    (top / ".gitattributes").write_text("*.txt filter=one filter=two\n")
    (top / "two.txt").write_text("2\n")
    more = top / "more.config"
    more.write_text(f'[filter "one"]\n\tclean = {trap}\n')
    git(top, "config", "include.path", "../more.config")
    git(top, "config", "extensions.worktreeConfig", "true")
    git(top, "config", "--worktree", "filter.two.clean", str(trap))
    ask(top)
    assert not (tmp_path / "EXECUTED").exists()


@pytest.mark.parametrize("key", ["core.fsmonitor", "core.hooksPath", "diff.external", "diff.x.textconv"])
def test_other_programs(tmp_path: Path, top: Path, trap: Path, key: str) -> None:
    (top / ".gitattributes").write_text("*.txt diff=x\n")
    hooks = top / "hooks"
    hooks.mkdir()
    for name in ("post-index-change", "fsmonitor-watchman", "query-watchman"):
        (hooks / name).symlink_to(trap)
    git(top, "config", key, str(hooks if key == "core.hooksPath" else trap))
    ask(top)
    assert not (tmp_path / "EXECUTED").exists()


@pytest.mark.parametrize(
    ("key", "value"),
    [("filter.evil.clean", "{trap}"), ("core.fsmonitor", "{trap}"), ("alias.status", "!{trap}")],
)
def test_a_repository_inside(tmp_path: Path, top: Path, trap: Path, key: str, value: str) -> None:
    """A submodule, and one that is none, have a configuration of their own."""
    inner = top / "inner"
    inner.mkdir()
    (inner / "data.txt").write_text("1\n")
    (inner / ".gitattributes").write_text("*.txt filter=evil\n")
    git(inner, "init", "-q")
    git(inner, "add", "-A")
    git(inner, "commit", "-qm", "one")
    git(top, "submodule", "--quiet", "add", "./inner")
    git(top, "commit", "-qm", "two")
    git(top, "config", "submodule.inner.ignore", "none")
    git(inner, "config", key, value.format(trap=trap))
    touch(inner / "data.txt")
    ask(top)
    ask(inner)
    assert not (tmp_path / "EXECUTED").exists()


def test_what_is_missing_is_not_fetched(tmp_path: Path, top: Path, trap: Path) -> None:
    """A partial clone fetches contents when they are needed, with the program that it names."""
    git(top, "config", "extensions.partialClone", "origin")
    git(top, "config", "core.repositoryFormatVersion", "1")
    git(top, "config", "remote.origin.promisor", "true")
    git(top, "config", "remote.origin.url", f"ext::{trap}")
    git(top, "config", "protocol.ext.allow", "always")
    git(top, "config", "core.sshCommand", str(trap))
    git(top, "config", "remote.origin.uploadpack", str(trap))
    (top / ".gitattributes").write_text("*.txt text\n")
    for url in (f"ext::{trap}", "ssh://host/x", str(tmp_path)):
        git(top, "config", "remote.origin.url", url)
        for content in (top / ".git" / "objects").glob("??/*"):
            if git(top, "cat-file", "-t", content.parent.name + content.name).strip() == "tree":
                content.unlink()
        ask(top)
        assert not (tmp_path / "EXECUTED").exists()


def test_the_environment_of_the_server_adds_nothing(
    tmp_path: Path, top: Path, trap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (top / ".gitattributes").write_text("*.txt filter=evil\n")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "filter.evil.clean")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(trap))
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", f"'filter.evil.clean'='{trap}'")
    assert ask(top)
    assert not (tmp_path / "EXECUTED").exists()
