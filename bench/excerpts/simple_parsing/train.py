from dataclasses import dataclass, field

from simple_parsing import ArgumentParser


@dataclass
class Optimizer:
    lr: float = 0.1  # rate
    momentum: float = 0.9


@dataclass
class Options:
    data: str
    layers: list[int] = field(default_factory=lambda: [64, 32])
    fast: bool = False


parser = ArgumentParser()
parser.add_arguments(Options, dest="options")
parser.add_arguments(Optimizer, dest="optimizer")
args = parser.parse_args()
