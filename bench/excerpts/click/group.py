import click


def common(function):
    function = click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu")(function)
    return click.option("--seed", type=int, default=0, show_default=True)(function)


@click.group()
@click.option("--debug/--no-debug", default=False)
def cli(debug):
    pass


@cli.command()
@click.argument("data", type=click.Path())
@click.option("--lr", "rate", default=0.1)
@click.option("--layer", multiple=True, type=int)
@common
def train(**options):
    pass


@cli.command("eval")
@click.option("--k", required=True, type=click.IntRange(1, 9))
def evaluate(k):
    pass


if __name__ == "__main__":
    cli()
