from pathlib import Path
from typing import Annotated

import typer


def main(
    data: Path,
    lr: float = 0.1,
    epochs: Annotated[int, typer.Option("--epochs", "-e")] = 10,
    amp: bool = False,
    tags: list[str] | None = None,
):
    pass


if __name__ == "__main__":
    typer.run(main)
