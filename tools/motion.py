"""Join the frames that a UI test took (`NNN-MILLISECONDS.png`) to the moving picture of the documentation.

usage: motion.py FRAMES TARGET.webp
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

WIDTH = 960  # pixels, enough to read the headings


def main() -> None:
    """Write the picture; it repeats for ever."""
    folder, target = Path(sys.argv[1]), Path(sys.argv[2])
    paths = sorted(folder.glob("*.png"))
    if not paths:
        sys.exit(f"motion.py: there are no frames in {folder}")
    frames, durations = [], []
    for path in paths:
        picture = Image.open(path).convert("RGB")
        height = round(picture.height * WIDTH / picture.width)
        frames.append(picture.resize((WIDTH, height), Image.Resampling.LANCZOS))
        durations.append(int(path.stem.split("-")[1]))
    frames[0].save(
        target, save_all=True, append_images=frames[1:], duration=durations, loop=0, quality=80, method=6
    )
    print(f"{target}: {len(frames)} frames, {target.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
