import argparse

parser = argparse.ArgumentParser(description="Train")
parser.add_argument("data", help="folder")
parser.add_argument("--epochs", "-e", type=int, default=90)
parser.add_argument("--lr", type=float, default=1e-3)
parser.add_argument("--arch", choices=["mlp", "cnn"], default="mlp")
parser.add_argument("--amp", action="store_true")
parser.add_argument("--no-shuffle", dest="shuffle", action="store_false")
parser.add_argument("--gammas", type=float, nargs="*", default=[0.1, 0.5])
parser.add_argument("-v", "--verbose", action="count", default=0)
parser.add_argument("--seed", default=None, type=int)
args = parser.parse_args()
