import argparse


class BaseOptions:
    def __init__(self):
        self.initialized = False

    def initialize(self, parser):
        parser.add_argument("--dataroot", required=True)
        parser.add_argument("--name", type=str, default="run")
        parser.add_argument("--gpu_ids", type=str, default="0")
        self.initialized = True
        return parser

    def gather(self):
        if not self.initialized:
            parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
            parser = self.initialize(parser)
        self.parser = parser
        return parser.parse_args()

    def parse(self):
        return self.gather()


class TrainOptions(BaseOptions):
    def initialize(self, parser):
        parser = BaseOptions.initialize(self, parser)
        parser.add_argument("--n_epochs", type=int, default=100)
        parser.add_argument("--beta1", type=float, default=0.5)
        self.is_train = True
        return parser


if __name__ == "__main__":
    opt = TrainOptions().parse()
