"""The same thing done to many tasks."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.fs.atomic import MANY_FILES
from pyruns_jupyter.core.taskfile import metadata
from pyruns_jupyter.core.taskfile.task_file import read_task
from pyruns_jupyter.core.tasks import bulk, trash
from pyruns_jupyter.core.tasks import edit as tasks
from pyruns_jupyter.core.tasks.trash import purge_all, trash_names
from tests.core.making import script_workspace


@pytest.mark.parametrize("count", [3, 3 * MANY_FILES])
def test_what_is_refused_does_not_keep_the_others(tmp_path: Path, count: int) -> None:
    workspace = script_workspace(tmp_path)
    names = create_tasks(workspace, f"lr: 0:{count}\n", "t")
    broken = workspace.paths(names[1]).folder
    (broken / ".task_info.json.lock.guard").mkdir()

    def tag(name: str, durable: bool) -> None:
        tasks.add_tags(workspace, name, ["a"], durable=durable)

    def remove(name: str, durable: bool) -> str:
        return trash.trash(workspace, name, durable=durable)

    def bring_back(name: str, durable: bool) -> str:
        return trash.restore(workspace, name, durable=durable)

    whole = [name for name in names if name != names[1]]
    for deed in (tag, remove, bring_back):
        outcome = bulk.for_each_task(workspace, [*names, names[0], "nothing"], deed)
        assert outcome.done == whole
        assert list(outcome.refused) == ([names[1], "nothing"])
        assert deed is tag or outcome.made == whole
        if deed is not bring_back:
            assert str(broken) in outcome.refused[names[1]]
    assert all(metadata.tags_of(read_task(workspace.paths(name).folder)) == ("a",) for name in whole)
    bulk.for_each_task(workspace, whole, remove)
    assert purge_all(workspace).done == sorted(whole)
    assert trash_names(workspace) == []
    assert workspace.task_names() == [names[1]]
