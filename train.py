import argparse
import os
import time

import pyruns

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1, help="learning rate")
parser.add_argument("--layers", type=int, nargs="+", default=[8])
parser.add_argument("--cache", action="store_true")
parser.add_argument("--gate", help="a file to wait for")
options = parser.parse_args()

print("lr", options.lr, "layers", options.layers, "cache", options.cache, flush=True)
pyruns.track(loss=1.0, step=1)
while options.gate and not os.path.exists(options.gate):
    time.sleep(0.05)
pyruns.track(loss=options.lr / 2, step=2)
pyruns.record(acc=1 - options.lr)
print("end", flush=True)
