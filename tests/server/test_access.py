"""Who may do what, and which paths can be named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
from jupyter_server.auth import Authorizer
from tornado.httpclient import HTTPClientError

from pyruns_jupyter.core.common.errors import NotFound
from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.workspace.default_settings import DEFAULT_TEXT
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.server import agent_tools
from tests.server.client import OPENAPI, Api
from tests.server.conftest import WS
from tests.server.test_openapi import described

ONE: dict[str, Any] = {"task": "one", "run": "1", "path": "x", "study": "none"}
SEARCH = {"text": "lr: 1 | 2", "name": "s", "objective": "acc", "n": 2}
STREAMS = ("/workspaces/{ws}/events", "/workspaces/{ws}/tasks/{task}/logs/stream", "/system/stream")


class Roles(Authorizer):
    """Allows on Pyruns only what a test says."""

    allowed: ClassVar[frozenset[str]] = frozenset()

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return resource != "pyruns" or action in self.allowed


with_roles = pytest.mark.parametrize("server_options", [{"ServerApp": {"authorizer_class": Roles}}], ids=[""])


def body_for(address: str, method: str) -> Any:
    if method == "patch":
        changed = {"text": "terminal: false\n", "expected": DEFAULT_TEXT}
        if address.endswith("/metrics"):
            return {"name": "acc", "goal": "maximize"}
        if address.endswith("/alerts"):
            return {"workspace": ["loss is nan"], "expected": {}}
        return changed if address.endswith("/settings") else {"pinned": True}
    if method != "post":
        return None
    return {
        "/workspaces": {"path": "train.py"},
        "/workspaces/{ws}/ask": {},
        "/workspaces/{ws}/preview": {"text": "lr: 1"},
        "/workspaces/{ws}/tasks": {"text": "lr: 1", "name": "new"},
        "/workspaces/{ws}/imports": {"path": "mlruns", "dry_run": True},
        "/workspaces/{ws}/actions": {"action": "pin", "names": ["one"]},
        "/workspaces/{ws}/queue": {"paused": False},
        "/workspaces/{ws}/compare": {"names": ["one"]},
        "/workspaces/{ws}/media": {"names": ["one"]},
        "/workspaces/{ws}/failures": {"names": ["one"]},
        "/workspaces/{ws}/templates": {"names": ["one"]},
        "/workspaces/{ws}/studies": SEARCH,
        "/workspaces/{ws}/searches": SEARCH,
        "/workspaces/{ws}/studies/{study}": {"action": "stop"},
        "/workspaces/{ws}/tasks/{task}/stacks": {},
    }[address]


@pytest.fixture
def one(train: WorkspaceFolder) -> WorkspaceFolder:
    create_tasks(train, "lr: 1", "one")
    return train


@pytest.mark.parametrize("headers", [{}, {"Authorization": "token wrong"}], ids=["nobody", "wrong token"])
async def test_strangers_get_nothing(api: Api, one: WorkspaceFolder, headers: dict[str, str]) -> None:
    for address, method in sorted(described()):
        body = body_for(address, method)
        answer = await api(method, address, body, headers=headers, ws=WS, **ONE)
        assert answer.status == 403, (method, address)
    for address in STREAMS:
        with pytest.raises(HTTPClientError) as refused:
            await api.stream(address, headers=headers, ws=WS, task="one")
        assert refused.value.code == 403
    for path in ("/pyruns/static/widget-views.js", "/pyruns/api/nothing"):
        answer_ = await api.raw("get", api.path("").removesuffix("/pyruns/api") + path, headers=headers)
        assert answer_.code == 403, path
    assert one.task_names() == ["one"]
    assert not json.loads((one.tasks / "one" / "task_info.json").read_text())["pinned"]


@with_roles
@pytest.mark.parametrize("role", ["nobody", "reader", "writer", "executor"])
async def test_roles(api: Api, one: WorkspaceFolder, role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = {
        "nobody": frozenset[str](),
        "reader": frozenset({"read"}),
        "writer": frozenset({"read", "write"}),
        "executor": frozenset({"read", "execute"}),
    }[role]
    monkeypatch.setattr(Roles, "allowed", allowed)
    queries = ("preview", "compare", "failures", "media", "searches", "templates")
    reading = {(f"/workspaces/{{ws}}/{name}", "post") for name in queries}
    # Which none of these has.
    both = {
        ("/workspaces/{ws}/settings", "patch"),
        ("/workspaces/{ws}/alerts", "patch"),
        ("/workspaces/{ws}/studies", "post"),
        ("/workspaces/{ws}/studies/{study}", "post"),
    }
    for address, method in sorted(described()):
        if method == "delete":
            continue
        answer = await api(method, address, body_for(address, method), ws=WS, **ONE)
        needed = "read" if method == "get" or (address, method) in reading else "write"
        executing = (
            *(("queue", "post"), ("ask", "post"), ("settings", "get")),
            ("tasks/{task}/stacks", "post"),
        )
        if any((address, method) == (f"/workspaces/{{ws}}/{name}", one) for name, one in executing):
            needed = "execute"
        if (address, method) in both:
            needed = "both"
        if needed not in allowed:
            assert answer.status == 403, (method, address)
        else:
            # There are no logs, stacks, studies and runs to import, and nothing is searched for; everything
            # else is there.
            absent = ("/logs", "/stacks", "{run}", "{study}", "/imports")
            missing = any(part in address for part in absent)
            expected = 200 if not missing else 409 if needed == "execute" else 404  # it is not running
            assert answer.status in ((400,) if address.endswith("/search") else (expected, 201)), address
    for address in STREAMS:
        if "read" in allowed:
            (await api.stream(address, ws=WS, task="one")).close()
        else:
            with pytest.raises(HTTPClientError) as refused:
                await api.stream(address, ws=WS, task="one")
            assert refused.value.code == 403
    for action in ("run", "cancel"):
        answer = await api("post", "/workspaces/{ws}/actions", {"action": action, "names": []}, ws=WS)
        assert answer.status == (200 if "execute" in allowed else 403), action
    # A user without permissions does not learn what is wrong with a request.
    wrong = await api("post", "/workspaces/{ws}/actions", {"action": "no such"}, ws=WS)
    assert wrong.status == (400 if "write" in allowed else 403)
    created = await api(
        "post", "/workspaces/{ws}/tasks", {"text": "lr: 1", "name": "ran", "run": {"jobs": 1}}, ws=WS
    )
    assert created.status == 403  # needs both
    assert "ran" not in one.task_names()
    if "read" in allowed:
        status = await api.get("/status")
        assert status["can_write"] == ("write" in allowed)
        assert status["can_execute"] == ("execute" in allowed)


@pytest.mark.parametrize(
    "server_options",
    [{"PyrunsExtension": {"allow_execution": False, "tasks_at_once": 3}}],
    ids=[""],
)
async def test_the_administrator_decides(api: Api, one: WorkspaceFolder) -> None:
    status = await api.get("/status")
    assert status["can_write"]
    assert not status["can_execute"]
    assert status["limits"]["tasks_at_once"] == 3
    answer = await api("post", "/workspaces/{ws}/actions", {"action": "run", "names": ["one"]}, ws=WS)
    assert answer.status == 403
    assert (
        answer.body["message"] == "The administrator has disabled starting and stopping tasks on this server."
    )
    answer = await api("post", "/workspaces/{ws}/queue", {"paused": True}, ws=WS)
    assert answer.status == 403
    assert not (await api.get("/workspaces/{ws}/queue", ws=WS))["paused"]
    many = {"text": "lr: 1 | 2 | 3 | 4", "name": "many"}
    answer = await api("post", "/workspaces/{ws}/tasks", many, ws=WS)
    assert answer.status == 400
    assert "the limit is 3" in answer.body["message"]
    preview = await api.post("/workspaces/{ws}/preview", many, ws=WS)
    assert "the limit is 3" in preview["errors"][0]["message"]


@pytest.mark.parametrize(
    "server_options", [{"PyrunsExtension": {"jobs_at_once": 4, "roots": ["sub folder"]}}], ids=[""]
)
async def test_the_administrator_narrows_down(api: Api, one: WorkspaceFolder) -> None:
    assert (await api.get("/status"))["limits"]["jobs_at_once"] == 4
    answer = await api("get", "/workspaces/{ws}", ws=WS)
    assert answer.status == 404
    answer = await api("post", "/workspaces", {"path": "train.py"})
    assert answer.status == 400
    assert answer.body["message"] == "The administrator does not allow Pyruns to open 'train.py'."
    opened = await api.post("/workspaces", {"path": "sub folder/nested.py"})
    assert [found["id"] for found in (await api.get("/workspaces"))["items"]] == [opened["id"]]
    body = {"text": "training: {lr: 1}", "name": "many", "run": {"jobs": 5}}
    answer = await api("post", "/workspaces/{ws}/tasks", body, ws=opened["id"])
    assert (answer.status, answer.body["field"]) == (400, "jobs")
    assert answer.body["message"] == "At most 4 tasks may run in parallel on this server, not 5."
    action = {"action": "run", "query": "", "run": {"jobs": 5}}
    assert (await api("post", "/workspaces/{ws}/actions", action, ws=opened["id"])).status == 400
    agent_tools._tools.cache_clear()
    try:
        found = await agent_tools.list_workspaces()
        assert [workspace["id"] for workspace in found["workspaces"]] == ["sub folder/nested"]
        assert (await agent_tools.list_tasks())["total"] == 0
        assert (await agent_tools.list_tasks("sub folder/nested"))["total"] == 0
        with pytest.raises(NotFound, match="There is no workspace 'train'"):
            await agent_tools.list_tasks("train")
    finally:
        await agent_tools._tools().close()
        agent_tools._tools.cache_clear()


@pytest.mark.parametrize(
    "named",
    [
        "../outside/_pyruns_/train",
        "_pyruns_/../_pyruns_/train",
        "_pyruns_/..",
        "_pyruns_",
        "_pyruns_/.",
        "/etc/_pyruns_/train",
        "link/_pyruns_/train",
        "linked/_pyruns_/other",
        "sub folder/_pyruns_/train",
        "_pyruns_/nothing",
        "_pyruns_/train/",
        "_pyruns_/train\0",
        "",
        "x",
    ],
)
async def test_workspaces_outside_the_root_do_not_exist(
    api: Api, one: WorkspaceFolder, jp_root_dir: Path, named: str
) -> None:
    outside = jp_root_dir.parent / "outside"
    outside.mkdir()
    (outside / "train.py").write_text("print(1)")
    open_workspace(outside / "train.py")
    (jp_root_dir / "link").symlink_to(outside)
    (jp_root_dir / "linked" / "_pyruns_").mkdir(parents=True)
    (jp_root_dir / "linked" / "_pyruns_" / "other").symlink_to(outside / "_pyruns_" / "train")
    for address in ("/workspaces/{ws}", "/workspaces/{ws}/tasks", "/workspaces/{ws}/tasks/{task}/logs"):
        if named or address != "/workspaces/{ws}":
            answer = await api("get", address, ws=named, task="one")
            assert answer.status == 404, address
    with pytest.raises(HTTPClientError) as refused:
        await api.stream("/workspaces/{ws}/events", ws=named)
    assert refused.value.code == 404


async def test_dots_in_an_address_lead_nowhere(api: Api, one: WorkspaceFolder) -> None:
    base = api.path("/workspaces/")
    for path in (
        "%2e%2e/outside/_pyruns_/train/tasks",
        "%2e%2e%2foutside%2f_pyruns_%2ftrain/tasks",
        "_pyruns_%2ftrain/tasks/%2e%2e",
        "_pyruns_%2ftrain/tasks/%2e%2e%2f%2e%2e%2ftrain/logs",
        "_pyruns_%2ftrain/tasks/..%5c..%5ctrain",
    ):
        answer = await api.raw("get", base + path)
        assert answer.code == 404, path
        assert json.loads(answer.body)["message"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("../outside/train.py", 400),
        ("link/train.py", 400),
        ("a//b", 400),
        ("nothing.py", 404),
        ("train.py\0", 400),
        ("train.txt", 404),
    ],
)
async def test_only_what_lies_below_the_root_is_opened(
    api: Api, jp_root_dir: Path, path: str, status: int
) -> None:
    outside = jp_root_dir.parent / "outside"
    outside.mkdir()
    (outside / "train.py").write_text("print(1)")
    (jp_root_dir / "link").symlink_to(outside)
    answer = await api("post", "/workspaces", {"path": path})
    assert answer.status == status
    assert not (outside / "_pyruns_").exists()


async def test_a_log_that_is_a_link_is_not_followed(api: Api, one: WorkspaceFolder, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    logs = one.paths("one").run_logs
    logs.mkdir(exist_ok=True)
    (logs / "run1.log").symlink_to(secret)
    answer = await api("get", "/workspaces/{ws}/tasks/{task}/logs", ws=WS, task="one")
    assert answer.status == 404
    with pytest.raises(HTTPClientError) as refused:
        await api.stream("/workspaces/{ws}/tasks/{task}/logs/stream", ws=WS, task="one")
    assert refused.value.code == 404


async def test_a_page_from_elsewhere_changes_nothing(api: Api, one: WorkspaceFolder) -> None:
    """A foreign page has neither the token nor the XSRF token; Jupyter Server hides what is there."""
    answer = await api(
        "post",
        "/workspaces/{ws}/tasks",
        {"text": "lr: 1", "name": "foreign"},
        headers={"Origin": "http://evil.example", "Content-Type": "text/plain"},
        ws=WS,
    )
    assert answer.status in (403, 404)
    assert one.task_names() == ["one"]


async def test_a_socket_from_elsewhere_is_not_opened(
    api: Api, one: WorkspaceFolder, jp_http_port: int
) -> None:
    """A browser sends its cookie along wherever a page comes from; the server looks at the page's origin."""
    token = api.headers["Authorization"].split()[1]
    address = f"{api.path('').removesuffix('/pyruns/api')}/api/me?token={token}"
    page = await api.raw("get", address, headers={"Host": f"localhost:{jp_http_port}"})
    cookie = "; ".join(line.split(";")[0] for line in page.headers.get_list("Set-Cookie"))
    assert "username" in cookie
    own = {"Cookie": cookie, "Origin": f"http://localhost:{jp_http_port}"}
    for address in STREAMS:
        (await api.stream(address, headers=own, ws=WS, task="one")).close()
        foreign = {**own, "Origin": "http://evil.example"}
        with pytest.raises(HTTPClientError) as refused:
            await api.stream(address, headers=foreign, ws=WS, task="one")
        assert refused.value.code == 403


async def test_nothing_below_the_api_is_json_too(api: Api) -> None:
    answer = await api.raw("get", api.path("/no/such/thing"))
    assert answer.code == 404
    assert json.loads(answer.body)["code"] == "not_found"
    answer = await api.raw("put", api.path("/status"), b"{}")
    assert answer.code == 405
    assert json.loads(answer.body)["code"] == "not_allowed"


async def test_the_widgets_modules_are_served_to_users(api: Api) -> None:
    from pyruns_jupyter.server.app import STATIC

    base = api.path("").removesuffix("/pyruns/api")
    for hidden in ("%2e%2e/server/openapi.yaml", "..%2fserver%2fopenapi.yaml", "nothing.js"):
        assert (await api.raw("get", f"{base}/pyruns/static/{hidden}")).code in (403, 404)
    built = sorted(STATIC.glob("*.js"))
    for path in built[:1]:
        answer = await api.raw("get", f"{base}/pyruns/static/{path.name}")
        assert answer.code == 200
        assert answer.headers["Content-Type"].startswith("text/javascript")
        assert answer.body == path.read_bytes()


async def test_looking_is_no_activity(api: Api, jp_serverapp: Any, one: WorkspaceFolder) -> None:
    before = jp_serverapp.web_app.settings.get("api_last_activity")
    await api.get("/workspaces/{ws}/tasks", ws=WS)
    await api.get("/system")
    await api.post("/workspaces/{ws}/compare", {"names": []}, ws=WS)  # reads, although it is a POST
    assert jp_serverapp.web_app.settings.get("api_last_activity") == before
    await api.post("/workspaces/{ws}/actions", {"action": "pin", "names": ["one"]}, ws=WS)
    assert jp_serverapp.web_app.settings.get("api_last_activity") != before


def test_every_operation_is_known() -> None:
    names = [
        item[method]["operationId"]
        for item in OPENAPI["paths"].values()
        for method in item
        if method != "parameters"
    ]
    assert len(names) == len(set(names)) == len(described())
