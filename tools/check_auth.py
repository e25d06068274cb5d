"""Check that no route of the server extension answers a stranger.

With unauthenticated access off, Jupyter Server warns about each handler without an authentication decorator.
Here such a warning is a failure, and so is an extension that adds no route at all.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator

from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import JupyterServerAuthWarning
from tornado.routing import PathMatches, RuleRouter


def patterns(router: RuleRouter) -> Iterator[str]:
    """The regular expressions of all paths below ``router``."""
    for rule in router.rules:
        if isinstance(rule.matcher, PathMatches):
            yield rule.matcher.regex.pattern
        if isinstance(rule.target, RuleRouter):
            yield from patterns(rule.target)


def main() -> None:
    app = ServerApp(
        allow_unauthenticated_access=False,
        jpserver_extensions={"pyruns_jupyter": True},
        # An extension that cannot be loaded has no unguarded routes either: say so loudly.
        reraise_server_extension_failures=True,
    )
    with warnings.catch_warnings(record=True) as records:
        warnings.simplefilter("always")
        app.initialize(argv=[], find_extensions=False, new_httpserver=False)

    problems = [str(one.message) for one in records if issubclass(one.category, JupyterServerAuthWarning)]
    if problems:
        advice = "Put `@tornado.web.authenticated` or `@ws_authenticated` on these methods."
        sys.exit("\n".join([*problems, "", advice]))

    count = sum("/pyruns/" in pattern for pattern in patterns(app.web_app.default_router))
    if not count:
        sys.exit("check_auth.py: the extension added no route below pyruns/")
    print(f"check_auth: {count} routes, each asks who is there")


if __name__ == "__main__":
    main()
