import argparse


def str2bool(v):
    if isinstance(v, bool):
        return v
    if v.lower() in ("yes", "true", "1"):
        return True
    if v.lower() in ("no", "false", "0"):
        return False
    raise argparse.ArgumentTypeError("boolean value expected")


def model_defaults():
    return dict(size=64, channels=128, attention="16,8", use_scale=True)


def add_dict(parser, defaults):
    for k, v in defaults.items():
        v_type = type(v)
        if v is None:
            v_type = str
        elif isinstance(v, bool):
            v_type = str2bool
        parser.add_argument(f"--{k}", default=v, type=v_type)


def create_parser():
    defaults = dict(data_dir="", lr=1e-4, weight_decay=0.0, resume=None)
    defaults.update(model_defaults())
    parser = argparse.ArgumentParser()
    add_dict(parser, defaults)
    return parser


args = create_parser().parse_args()
