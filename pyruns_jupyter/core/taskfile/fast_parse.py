"""Task files without all but the last point of each curve: that is what lists of tasks show.

Most of a long run's task file are the values of its curves, and most of the time to read it goes into them.
"""

from __future__ import annotations

MIN_BYTES = 8 * 1024  # bytes; a smaller file is read as it is
_LONG = 400  # bytes of a list that is worth cutting
_NUMBERS = b"0123456789+-.eE, \nNaInfityul"  # of lists that hold numbers and null alone
_WORDS = (b'"NaN"', b'"Infinity"', b'"-Infinity"')  # which are numbers too


def only_last_points(data: bytes) -> bytes:
    """Return the JSON text of a task file with `tracks` cut to the last value of each long list of numbers.

    Only in a file that is laid out as this format has it (indented by 2) something is cut: there a line that
    begins with two spaces is a key of the task, as no text in JSON goes over lines.
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
        if close - position > _LONG and comma > 0 and _holds_numbers(data[position:close]):
            pieces.append(data[kept:position])
            kept = comma + 1
    pieces.append(data[kept:])
    return b"".join(pieces)


def _holds_numbers(items: bytes) -> bool:
    if b'"' in items:
        for word in _WORDS:
            items = items.replace(word, b"")
    return not items.translate(None, _NUMBERS)
