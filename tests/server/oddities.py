"""What no client of ours sends: odd path segments, queries, JSON values, bodies, ranges and frames.

Each list holds pairs of a label, for the message of a failure, and the value.
"""

from __future__ import annotations

import json
import math
from typing import Any
from urllib.parse import quote

SECRET = "what lies outside of the server's root"  # must be in no answer
HUGE = "9" * 400  # a number that no float can hold
_INJECTED = "x\r\nX-Injected: 1"


class Raw(str):
    """A piece of JSON that `json.dumps` would not write."""

    __slots__ = ()


def to_body(value: object) -> bytes:
    """Return `value` as JSON, with each `Raw` in it as it is."""
    pieces: list[str] = []

    def mark(inner: object) -> object:
        if isinstance(inner, Raw):
            pieces.append(inner)
            return f"\x00raw {len(pieces) - 1}\x00"
        if isinstance(inner, dict):
            return {key: mark(one) for key, one in inner.items()}
        return inner

    text = json.dumps(mark(value))
    for number, piece in enumerate(pieces):
        text = text.replace(f'"\\u0000raw {number}\\u0000"', piece)
    return text.encode()


def label(text: str) -> str:
    """Return a short form of a text, for a failure message."""
    return ascii(text) if len(text) <= 60 else f"{text[:40]!a}... ({len(text):,} characters)"


def _labelled(texts: list[str]) -> list[tuple[str, str]]:
    return [(label(text), text) for text in texts]


# Percent-encoded, as they are sent. A climb that is decoded leads to a `secret.txt` above the root, or makes
# `evil` there.
SEGMENTS: list[tuple[str, str]] = _labelled(
    [
        *(f".%2F{'..%2F' * depth}evil" for depth in range(1, 8)),
        *(f"{'..%2F' * depth}secret.txt" for depth in range(1, 10)),
        *("", ".", "..", "...", "./..", ".%2F..", "..%2F", "%2F", "%2F%2F", "%2E%2E"),
        *("%252e%252e%252fevil", "%2Fetc%2Fpasswd", "..%5C..%5Cevil", "C%3A%5Cevil", "~", "~root", "$HOME"),
        *("%24(id)", "%60id%60", "%00", "evil%00", "%00evil", "%2500", "%0A", "evil%0Aevil"),
        *("%0D%0AX-Injected:%201", "%1B%5B31m", "%7F", "%FF", "%C0%AE%C0%AE%2Fevil", "%ED%A0%80"),
        *("%ED%B3%BF", "%F4%90%80%80", "%E2%80%AEevil", "%EF%BB%BF", "%C3%BC", "u%CC%88", "%F0%9F%98%80"),
        *("%20", "%20evil%20", "%09", "+", "%25", "%25s%25n", "{ws}", "%7B0%7D", "x" * 255, "x" * 256),
        *("x" * 5000, "%E2%9C%94" * 100, "CON", "nul.txt", "COM1", "-rf", "--help", "*", "%3F", ".trash"),
        *(".engine", "_pyruns_", "_pyruns_%2Ftrain", "_pyruns_%2F..", "tasks", "task_info.json"),
        *("run_logs", "0", "-1", "1.0", "1e3", "0x1", "%D9%A1", "9" * 19, HUGE, "NaN", "null", "true"),
        *("%3Cscript%3E", "%22'%22", "evil;x=1", "evil%3Bx", "evil&x=1", "evil%23x", "evil@x", ".lock"),
        *(".evil.lock", "evil.json", "evil."),
    ]
)

SEARCHES = [
    *("(", ")", "(" * 3000, "(" * 200 + "a" + ")" * 200, '"', "\\", "/", "/(/", "/(a+)+$/"),
    *("/" + "a" * 2000 + "/", "log:/(a+)+$/", "log:", "log:x", "log://", "-", "--", "NOT", "NOT " * 500),
    *("OR", "a OR", "a OR " * 500, "AND AND", "lr>", "lr>>1", "lr<1e999", f"lr>{HUGE}", f"lr:{HUGE}.."),
    *("lr:..", "lr:1..nan", "lr:[", "lr={", "lr:,,,", "=", "<1", f"duration>{HUGE}d", "duration>1e308h"),
    *(f"started<{HUGE}d", "started>9999-12-31", "started:0000-00-00", "finished:99999999999"),
    *("created<1e18d", "created>2d", "status:x", "status:failed", "is:x", "has:", "no:,", "tag:"),
    *("config.", ".status", "config.lr>0", "figure.loss<9", "a.b.c.d:1", "*", "**", "*" * 1000, "name:*?["),
    *("lr:*a*b*c*", "order>nan", "run:-1", f"run:{HUGE}", "runs>0.5", "exit_code=1", "gpu:x", "study:x"),
    *("`", "x\n" * 1000, "# x"),
]

_TEXTS = [
    *("", " ", "0", "-1", "1", "2", "1.5", "1e3", "1e999", "NaN", "Infinity", "-Infinity", "0x10", "1_0"),
    *("٣", "²", "9" * 15, "9" * 19, "9" * 21, HUGE, "9" * 5000, "true", "TRUE", "yes", "null", "None"),
    *("[]", "{}", "asc", "x", "\0", "\n", "\r", _INJECTED, "\x1b[31m", "\u202e", "\u2028", "\ufeff"),
    *("\x80", "ü", "u\u0308", "\U0001f600", "..", "../" * 6 + "secret.txt", "/etc/passwd", "~", "%"),
    *("%s%s%n", "%00", "{0.__class__}", "$(id)", "'", '"', "<b>", "x" * 300, "x" * 8000, ",", "," * 3000),
    *("-", "--help", "a,b", "a:b", "1:2", "__class__", "..lr", "lr", "config.lr", "figure.loss", "created"),
    *("-started,name", "train", "one", "done", "_pyruns_/train", "../_pyruns_/train"),
]
# Percent-encoded, without the name of the parameter.
QUERIES: list[tuple[str, str]] = [
    *((label(text), quote(text, safe="")) for text in _TEXTS),
    *_labelled(["%FF", "%ED%A0%80", "%C0%AF", "%", "%zz", "1&1", "1;1", "%u0041", "+"]),
]


_WORDS = [
    *("\udcff", "a\ud800b", "10m", f"{HUGE}s", f"{HUGE}:00:00", "1-12:00:00", "1e400h", "-1s"),
    *("auto", "1:10**9", "{n}", "{lr:>999999999}", "{name.__class__}", "{0}", "{", "{n:" + "0" * 500 + "}"),
    *("CON", "-rf", ".x", "x.", " x ", "a@b", "a|b"),
]


def _deep(opening: str, closing: str, depth: int) -> Raw:
    return Raw(opening * depth + "1" + closing * depth)


VALUES: list[tuple[str, Any]] = [
    ("10**400", Raw(f"1{'0' * 400}")),
    ("NaN", math.nan),
    ("a number of 5,000 digits", Raw("9" * 5000)),
    ("5,000 names", [f"task {number}" for number in range(5000)]),
    ("a text of a million characters", "a" * 1_000_000),
    ("a lone surrogate", "\ud800"),
    ("a list 100,000 deep", _deep("[", "]", 100_000)),
    ("null", None),
    ("true", True),
    ("-10**400", Raw(f"-1{'0' * 400}")),
    *((str(number), number) for number in (0, -1, 1, 2, 101, 10**6 + 1, 2**31, 2**53 + 1, 2**63, -(2**64))),
    *((str(number), number) for number in (0.5, -0.0, 1e15, 1e308, -1e308, 5e-324, math.inf, -math.inf)),
    ("a fraction of 100,000 digits", Raw(f"0.{'9' * 100_000}")),
    ("1e400", Raw("1e400")),
    ("false", False),
    *_labelled(_TEXTS),
    *_labelled(_WORDS),
    *_labelled(["\u2714" * 300_000, "\n" * 100_000, "9" * 100_000, "{" * 1000]),
    ("an empty list", []),
    ("a list of nothing", [None]),
    ("a list of mixed values", ["one", 1, None, {}, [], True]),
    ("a list of tasks", ["one", "two", "one", "none"]),
    (
        "a list of odd texts",
        ["", "\0", "\ud800", "\n", "../x", _INJECTED, "x" * 100_000, "--help", "#SBATCH"],
    ),
    ("a list of huge numbers", [10**300, -1, 0, 1.5]),
    ("50,000 equal names", ["one"] * 50_000),
    ("50,000 numbers", list(range(50_000))),
    ("an empty object", {}),
    (
        "an object",
        {"one": 1, "": None, "\0": "x", "\ud800": "\ud800", "a=b": "x", "PATH": "x", "__proto__": {}},
    ),
    ("an object of texts", {"A": "\0", "B": "\n", "C": "\ud800", "D": "x" * 200_000, "LD_PRELOAD": ""}),
    ("5,000 keys", {f"k{number}": str(number) for number in range(5000)}),
    ("a list 500 deep", _deep("[", "]", 500)),
    ("an object 50,000 deep", _deep('{"a":', "}", 50_000)),
]

# Configurations and shell scripts: what is sent under the key `text`.
CONFIGURATIONS: list[tuple[str, str]] = [
    ("600 other keys", "".join(f"k{number}: {number}\n" for number in range(600))),
    ("5,000 other keys", "".join(f"k{number}: {number}\n" for number in range(5000))),
    (
        "aliases of aliases",
        "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 99)),
    ),
    ("8^40 combinations", "\n".join(f"k{number}: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8" for number in range(40))),
    *_labelled([f"{key}: {HUGE}" for key in ("lr", "grace", "retry_delay", "time_limit")]),
    ("a huge time for Slurm", f"slurm: {{time: {HUGE}}}"),
    ("10,000 list items", "lr:\n" + "- 1\n" * 10_000),
    *_labelled(
        [
            *("lr: 1 | 2", "lr: (1 | 2)\nepochs: (1 | 2 | 3)", "lr: 1:10**9", "lr: 0:1e9"),
            *("lr: 0:10000000000", "lr: 1:2:0", "lr: uniform(0, 1, 10**9)"),
            *("lr: uniform(0, 1, 1000000000)", "lr: log(0, 1, 5)", "lr: log(1e-400, 1e400, 5)"),
            *("lr: log(1e-5, 1)", "lr: uniform(1, 0)", "lr: lin(nan, inf, 3)", "lr: choice()"),
            *("lr: choice(1:100000000, n=3)", "lr: " + "log(" * 2000, "lr: " + "(" * 3000),
            *("lr: " + "[" * 3000, "lr: " + "{a: " * 500, "[" * 20_000, "lr: " + " | ".join(["1"] * 3000)),
            *("lr: " + "|" * 3000, "lr: (1 | 2)\nopt: (1 | 2 | 3)", "lr: 1 |", "lr: |\n  x", "", " ", ":"),
            *("-", "- 1", "1", "~", "---", "--- 1\n--- 2", "%YAML 9.9\n---\nlr: 1", "\t", "lr:\t1"),
            *("lr: 1\nlr: 2", "lr: .nan", "lr: .inf", f"lr: {HUGE}", f"lr: -{HUGE}", "lr: 1e400"),
            *("lr: 0o9", "lr: 2020-99-99", "lr: 12:30:45", "lr: !!python/object/apply:os.system [id]"),
            *("lr: !!binary x", "lr: !!float x", "lr: !!int x", "!!set {lr}", "a: &a [*a]", "a: *b"),
            *("<<: *b", "? [a]\n: b", "? {a: 1}\n: b", "&a lr: *a", "1: 2", "null: 1", "true: 1", '"": 1'),
            *("\ufefflr: 1", "lr: '\0'", 'lr: "\\ud800"', "lr: \x1b[31m", "lr: \u2028", "lr: \u202e"),
            *("'\\r\\nX-Injected: 1': 1", "x: 1", "lr: abc", "lr: true", "epochs: 1.5", "opt: none"),
            *("a.b.c: 1", "a: {b: {c: 1}}\na.b.c: 2", "lr.x: 1", "terminal: false\n"),
            *(f"slurm: {{time: {HUGE}}}", f"grace: {HUGE}", f"retry_delay: {HUGE}", "slurm: 1"),
            *("python: [1]", "global_env: {A: 1, B: null, '': x}", f"time_limit: {HUGE}s"),
            *("slurm: {extra: [1], cpus: -1}", "terminal: 1e400", "#" * 1_000_000, "x" * 1_000_000),
            *("x: '" + "y" * 1_000_000 + "'", "x" * 100_000 + ": 1", "\n" * 100_000),
        ]
    ),
    ("nested 900 deep", "".join(f"{' ' * depth}a:\n" for depth in range(900))),
]

# Whole bodies, as bytes.
BODIES: list[tuple[str, bytes]] = [
    (label(text), text.encode())
    for text in (
        *("", " ", "null", "true", "1", "1e999", "NaN", '"x"', "[]", "[{}]", "{", "}", '{"a"', "{}"),
        *('{"": 1}', "{}{}", "x=1", '{"a": 1}', '{"__class__": 1}', '{"\\ud800": 1}'),
        *('{"action": "x", "action": "y"}', "\ufeff{}", "{'a': 1}", "<a/>", '{"text": NaN}'),
        *('{"text": -Infinity}', '{"text": 1e999}', '{"text": "\x01"}', '{"name": "a", }', "// x\n{}"),
        *("[" * 100_000, '{"a":' * 100_000, "9" * 100_000, '{"text": ' + "9" * 5000 + "}"),
        *('{"' + "x" * 100_000 + '": 1}',),
    )
]
BODIES += [
    ("bytes that are not UTF-8", b'{"name": "\xff\xfe"}'),
    ("UTF-16", '{"name": "x"}'.encode("utf-16")),
    ("UTF-32", '{"name": "x"}'.encode("utf-32")),
    ("zeros", bytes(1000)),
    ("gzip", b"\x1f\x8b\x08\x00" + bytes(100)),
    ("5 MB", b'{"text": "' + b"x" * 5_000_000 + b'"}'),
    ("9 MB", b'{"text": "' + b"x" * 9_000_000 + b'"}'),
]

HEADERS: list[tuple[str, dict[str, str]]] = [
    (f"{name}: {label(value)}", {name: value})
    for name, value in (
        *(("Accept", "text/plain"), ("Accept", "*/*;q=x"), ("Accept-Encoding", "gzip, br")),
        *(("Accept-Language", "x" * 5000), ("Content-Type", "text/xml")),
        *(("Content-Type", "application/json; charset=utf-16"), ("Content-Type", "\xff")),
        *(("If-None-Match", "*"), ("If-Modified-Since", "x"), ("If-Range", '"x"'), ("Expect", "x")),
        *(("X-XSRFToken", "x"), ("Host", "evil.example"), ("X-Forwarded-Host", "evil.example")),
        *(("X-Forwarded-Proto", "x"), ("X-Scheme", "x"), ("Origin", "http://evil.example")),
        *(("Referer", "http://evil.example/"), ("X-HTTP-Method-Override", "DELETE")),
        *(("Content-Encoding", "gzip"), ("Upgrade", "websocket"), ("Cookie", "x" * 5000)),
        *(("Cookie", "\xff=\xff; a"),),
    )
]

RANGES: list[tuple[str, str]] = _labelled(
    [
        *("bytes=0-", "bytes=0-0", "bytes=1-2", "bytes=-1", "bytes=-0", "bytes=-99999999999", "bytes=2-1"),
        *("bytes=5-5", "bytes=99999999-", "bytes=0-99999999999999999", f"bytes={HUGE}-", f"bytes=0-{HUGE}"),
        *(f"bytes=-{HUGE}", "bytes=", "bytes=-", "bytes=x-y", "bytes=0-1,3-4", "bytes=0-,-1"),
        *("bytes = 0-1", "Bytes=0-1", "lines=0-1", "", "bytes=0--1", "bytes=+0-1", "bytes=0x0-0x1"),
        *("bytes=1.5-2", "bytes=\xb2-", "bytes=0-1" * 1000, ",", "=", "\t"),
    ]
)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "EVIL")

TEXT, BINARY = 1, 2  # opcodes of websocket frames
FRAMES: list[tuple[str, int, bytes]] = [
    (label(text), TEXT, text.encode())
    for text in (
        *("", " ", "x", "null", "true", "[]", "{}", '"ack"', "NaN", "1", '{"ack": NaN}'),
        *('{"ack": Infinity}', '{"ack": null}', '{"ack": -1}', '{"ack": 0}', '{"ack": 1}', '{"ack": 1.0}'),
        *('{"ack": 1e400}', '{"ack": true}', '{"ack": "1"}', '{"ack": [1]}', '{"ack": {"ack": 1}}'),
        *(f'{{"ack": {HUGE}}}', f'{{"ack": {"9" * 5000}}}', '{"ack": 1, "ack": 2}', '{"ACK": 1}'),
        *('{"ack": 1', "\ufeff{}", "\0", '{"ack": "\\ud800"}', "[" * 100_000, '{"ack":' * 100_000),
        *("x" * 1_000_000,),
    )
]
FRAMES += [
    ("text that is not UTF-8", TEXT, b"\xff\xfe"),
    ("no bytes", BINARY, b""),
    ("bytes", BINARY, b"\xff" * 100),
    ("an acknowledgement as bytes", BINARY, b'{"ack": 1}'),
    ("9 MB", TEXT, b"x" * 9_000_000),
    ("an opcode that does not exist", 3, b"x"),
    ("a control frame that does not exist", 11, b"x"),
    ("a ping that is too long", 9, b"x" * 200),
    ("a continuation of nothing", 0, b"x"),
    ("a closing code that does not exist", 8, b"\x00\x01x"),
    ("a closing frame of one byte", 8, b"\x00"),
    ("a closing reason that is not UTF-8", 8, b"\x03\xe8\xff\xff"),
]
