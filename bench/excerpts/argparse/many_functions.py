import argparse


def add_network(parser):
    group = parser.add_argument_group("network")
    group.add_argument("--num-layers", type=int, default=None)
    group.add_argument("--hidden", type=int, default=1024)
    return parser


def add_switches(parser, names):
    for name in names:
        group = parser.add_mutually_exclusive_group()
        group.add_argument(f"--{name}", action="store_true", dest=name.replace("-", "_"))
        group.add_argument(f"--no-{name}", action="store_false", dest=name.replace("-", "_"))
    return parser


def add_from(parser, functions):
    for function in functions:
        parser = function(parser)
    return parser


parser = argparse.ArgumentParser(allow_abbrev=False)
parser = add_from(parser, [add_network, lambda p: add_switches(p, ["bias", "fused-norm"])])
args, unknown = parser.parse_known_args()
