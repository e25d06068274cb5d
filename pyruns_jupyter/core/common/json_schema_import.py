"""Makes the import of the package jsonschema quick, in processes that are only ours."""

from __future__ import annotations

import sys


def skip_iri_grammar() -> None:
    """Let jsonschema be imported without its check of the format "iri", which no schema of ours has.

    For that format it imports `rfc3987_syntax`, which compiles a grammar for one to two seconds.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type] # None: it cannot be imported
