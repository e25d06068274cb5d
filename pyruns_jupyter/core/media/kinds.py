"""The kinds of media, by the name of a file or by its first bytes."""

from __future__ import annotations

import re

IMAGE, VIDEO, AUDIO, PAGE, TABLE = KINDS = ("image", "video", "audio", "html", "table")
_ENDINGS = {
    IMAGE: ("png", "jpg", "jpeg", "gif", "webp", "bmp", "svg"),
    VIDEO: ("mp4", "webm"),
    AUDIO: ("wav", "mp3", "ogg", "flac"),
    PAGE: ("html", "htm"),
    TABLE: ("csv", "tsv"),
}
_KIND_OF = {ending: kind for kind, endings in _ENDINGS.items() for ending in endings}
_IMAGES = (
    ("image/png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("image/jpeg", re.compile(rb"\xff\xd8\xff")),
    ("image/gif", re.compile(rb"GIF8[79]a")),
    ("image/webp", re.compile(rb"RIFF.{4}WEBP", re.DOTALL)),
)
MAGIC_BYTES = 12  # that `image_type` needs
ANY_IMAGE = re.compile(b"|".join(pattern.pattern for _, pattern in _IMAGES), re.DOTALL)


def kind_of(path: str) -> str | None:
    """Return the kind of media that the name of a file suggests, None for other files."""
    return _KIND_OF.get(path.rpartition(".")[2].lower())


def image_type(head: bytes) -> str | None:
    """Return the content type of an image by its first bytes, None if it is not a supported image."""
    return next((name for name, pattern in _IMAGES if pattern.match(head)), None)
