"""Names of environment variables and options whose values must not be displayed or exported."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

MASK = "********"
# Compiled when they are first used, as most commands do not.
_SECRET = (
    r"(?i)token|secret|passw|passphrase|credential|key|bearer|cookie|private|jwt|webhook|_pwd"
    r"|pass(?![a-z]|_(?:rate|count|through))"  # SMTP_PASS, PGPASS; not PASSES, PASSIVE
    r"|auth(?!or)"  # X_AUTH, OAUTH; not GIT_AUTHOR_NAME
    r"|(?<![a-z])(?:pat|dsn)(?![a-z])"  # GITHUB_PAT, SENTRY_DSN; not PATH
    r"|conn\w*str"  # AZURE_STORAGE_CONNECTION_STRING
    r"|(?:database|db|redis|mongo\w*|amqp|postgres\w*|mysql)_ur[il]"  # they contain the password
)
_URL_PASSWORD = r"(://[^/\s:@]*:)[^/\s@]+(?=@)"


def is_secret(name: str) -> bool:
    """Return whether an environment variable is a secret, according to its name."""
    return re.search(_SECRET, name) is not None


def masked(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment for display, with the values of secrets masked."""
    return {name: MASK if is_secret(name) else text for name, text in environment.items()}


def masked_words(words: Sequence[str]) -> list[str]:
    """Return the words of a command line for display, with the values of secrets masked: `--token VALUE`,
    `--token=VALUE`, `token=VALUE`, `--env=TOKEN=VALUE`, and passwords in URLs.
    """
    found = []
    is_value = False  # of a secret option
    for word in words:
        *names, _ = word.split("=")
        secret = next((at for at, name in enumerate(names, 1) if is_secret(name)), None)
        is_option = word.startswith("-")
        if is_value and not is_option:
            found.append(MASK)
        else:
            shown = word if secret is None else "=".join([*names[:secret], MASK])
            found.append(re.sub(_URL_PASSWORD, rf"\1{MASK}", shown))
        is_value = is_option and not names and is_secret(word)
    return found
