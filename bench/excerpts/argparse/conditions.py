import argparse
import os
import sys

parser = argparse.ArgumentParser()
parser.add_argument("--cfg", default="")
if sys.version_info < (3, 0) or "NO_SUCH_VARIABLE" in os.environ:
    parser.add_argument("--local_rank", type=int, required=True)
parser.add_argument("--beta", type=float, default=0.0)
if "NO_SUCH_VARIABLE" in os.environ:
    parser.set_defaults(beta=0.5)
parser.add_argument("--workers", type=int, default=os.cpu_count())
args = parser.parse_args()
