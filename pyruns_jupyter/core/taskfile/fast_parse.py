"""Reading task files with only the last point of each curve, which is all that lists of tasks show.

Curves take most of the task file of a long run, and most of the time to parse it.
"""

from __future__ import annotations

MIN_BYTES = 8 * 1024  # bytes; a smaller file is not changed
_MIN_LIST_BYTES = 400  # of a list that is shortened
_NUMBERS = b"0123456789+-.eE, \nNaInfityul"  # the characters of a list of numbers and nulls
_NONFINITE = (b'"NaN"', b'"Infinity"', b'"-Infinity"')


def only_last_points(data: bytes) -> bytes:
    """Return the JSON text of a task file with only the last value of each long list of numbers in `tracks`.

    Only a file in the layout of this format (indented by 2) is shortened: there a line that begins with two
    spaces is a key of the task, since JSON strings do not contain line breaks.
    """
    if len(data) < MIN_BYTES or not data.startswith(b'{\n  "'):
        return data
    begin = data.find(b'\n  "tracks": [\n')
    end = data.find(b"\n  ]", begin) if begin >= 0 else -1
    if end < 0:
        return data
    pieces: list[bytes] = []
    kept = 0  # up to here the text is in `pieces`
    position = begin
    while True:
        position = data.find(b'": [\n', position + 4, end) + 4
        close = data.find(b"]", position, end) if position >= 4 else -1
        if close < 0:
            break
        comma = data.rfind(b",", position, close)
        if close - position > _MIN_LIST_BYTES and comma > 0 and _has_only_numbers(data[position:close]):
            pieces.append(data[kept:position])
            kept = comma + 1
    pieces.append(data[kept:])
    return b"".join(pieces)


def _has_only_numbers(items: bytes) -> bool:
    if b'"' in items:
        for word in _NONFINITE:
            items = items.replace(word, b"")
    return not items.translate(None, _NUMBERS)
