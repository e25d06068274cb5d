import fire


def main(data: str, lr: float = 1e-3, layers=(64, 32), name=None, fast=False, **more):
    """Train.

    Args:
        data: folder
    """


if __name__ == "__main__":
    fire.Fire(main)
