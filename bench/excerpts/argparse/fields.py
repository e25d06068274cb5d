import argparse
import dataclasses


@dataclasses.dataclass
class Config:
    lr: float = 0.1
    steps: int = 10
    name: str = "x"


parser = argparse.ArgumentParser()
for one in dataclasses.fields(Config):
    parser.add_argument(f"--{one.name}", type=type(one.default), default=one.default)
args = parser.parse_args()
