"""Answers of the service to many requests, to be compared between CPython and Pyodide.

A program of `demo/ask.mjs`, which is also imported by the test. It must not import anything of the tests.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

_VOLATILE = ("created_at", "changed_at", "mtime", "elapsed", "revision", "epoch")


def _stable(value: Any) -> Any:
    """Return a value without what depends on the moment."""
    if isinstance(value, dict):
        return {key: _stable(one) for key, one in value.items() if key not in _VOLATILE}
    return [_stable(one) for one in value] if isinstance(value, list) else value


def answer(text: str) -> str:
    """Perform requests in a new project; return the answers, and the errors, as JSON.

    `text` is JSON with `folder`, `files` (text by path), `script`, `tasks` (name and configuration of those
    to create first), `previews` (configurations), `queries` and `groups`.
    """
    import sys

    if sys.platform == "emscripten":
        from pyruns_demo import browser

        browser.prepare()

    from pyruns_jupyter.core.common.errors import PyrunsError
    from pyruns_jupyter.core.tasks.index import TaskIndex
    from pyruns_jupyter.core.workspace.opening import open_workspace
    from pyruns_jupyter.service import generator, groups, tasks
    from pyruns_jupyter.service.http_errors import to_json

    given = json.loads(text)
    folder = Path(given["folder"])
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in given["files"].items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    workspace, _ = open_workspace(folder / given["script"])

    def told(work: Any) -> Any:
        try:
            return _stable(json.loads(to_json(work())))
        except PyrunsError as error:
            return {"error": error.to_dict()}

    answers: dict[str, Any] = {"parameters": told(lambda: generator.parameters(workspace))}
    answers["template"] = told(lambda: generator.template(workspace, generator.TemplateRequest()))
    answers["previews"] = [
        told(
            lambda config=config: generator.preview(
                workspace, generator.PreviewRequest(text=config, name="try"), 1000
            )
        )
        for config in given["previews"]
    ]
    answers["created"] = [
        told(
            lambda one=one: tasks.create(
                workspace, tasks.CreateRequest(text=one["text"], name=one["name"]), 1000
            )
        )
        for one in given["tasks"]
    ]
    index = TaskIndex(workspace)
    index.refresh()
    answers["queries"] = [
        told(
            lambda query=query: tasks.task_page(
                index, tasks.TaskPageRequest(query=query, fields=("lr", "model"))
            )()
        )
        for query in given["queries"]
    ]
    answers["groups"] = [
        told(lambda by=by: groups.GroupRequest(by=by).reader(index, lambda: False)())
        for by in given["groups"]
    ]
    return json.dumps(answers)
