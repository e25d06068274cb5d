from argparse import ArgumentParser


class Group:
    def __init__(self, parser, name, sentinel=False):
        group = parser.add_argument_group(name)
        for key, value in vars(self).items():
            is_short = key.startswith("_")
            if is_short:
                key = key[1:]
            kind = type(value)
            value = None if sentinel else value
            flags = ["--" + key] + (["-" + key[0:1]] if is_short else [])
            if kind == bool:
                group.add_argument(*flags, default=value, action="store_true")
            else:
                group.add_argument(*flags, default=value, type=kind)


class Model(Group):
    def __init__(self, parser, sentinel=False):
        self.degree = 3
        self._source = ""
        self.white = False
        super().__init__(parser, "Model", sentinel)


class Optim(Group):
    def __init__(self, parser):
        self.iterations = 30_000
        self.rate = 0.0016
        super().__init__(parser, "Optimization")


if __name__ == "__main__":
    parser = ArgumentParser()
    Model(parser)
    Optim(parser)
    parser.add_argument("--port", type=int, default=6009)
    args = parser.parse_args()
