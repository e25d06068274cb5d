import argparse

config_parser = argparse.ArgumentParser(add_help=False)
config_parser.add_argument("-c", "--config", default="")
parser = argparse.ArgumentParser(parents=[config_parser])
group = parser.add_argument_group("Model")
group.add_argument("--model", default="small")
group.add_argument("--drop", type=float, default=0.0)
parser.add_argument("--kwargs", nargs="*", default={})
args = parser.parse_args()
