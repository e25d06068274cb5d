import argparse


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--verbose", action="store_true")
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", aliases=["t"])
    train.add_argument("--lr", type=float, default=0.1)
    test = commands.add_parser("test")
    test.add_argument("checkpoint")
    for one in (train, test):
        one.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    args = parser.parse_args()


if __name__ == "__main__":
    main()
