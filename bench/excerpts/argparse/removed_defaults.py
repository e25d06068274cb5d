import argparse


def base_defaults():
    res = dict(size=64, width=128, channel_mult="", large=256)
    return res


def larger():
    res = base_defaults()
    for k in ["width", "channel_mult"]:
        del res[k]
    res["small"] = 64
    return res


parser = argparse.ArgumentParser()
for k, v in larger().items():
    parser.add_argument(f"--{k}", default=v, type=type(v))
args = parser.parse_args()
