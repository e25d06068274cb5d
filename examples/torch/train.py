"""Train a small network on two spirals with PyTorch, on a GPU if the task has one.

Saves checkpoints, from which a run continues after an interruption.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from pathlib import Path

import torch
from torch import nn

import pyruns_jupyter as pyruns


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Tell two spirals apart.")
    parser.add_argument("--lr", type=float, default=0.01, help="learning rate")
    parser.add_argument("--width", type=int, default=32, help="units of each hidden layer")
    parser.add_argument("--depth", type=int, default=2, help="hidden layers")
    parser.add_argument("--activation", choices=["relu", "tanh", "silu"], default="tanh")
    parser.add_argument("--epochs", type=int, default=200, help="passes over all points")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def spirals(points: int, noise: float, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Points (2 x points, 2) and their spiral, 0 or 1."""
    turns = torch.rand(points, generator=generator).sqrt() * 3 * math.pi
    arm = torch.stack([turns * turns.cos(), turns * turns.sin()], dim=1) / 10
    both = torch.cat([arm, -arm])
    both += noise * torch.randn(both.shape, generator=generator)
    return both, torch.arange(2).repeat_interleave(points).float()


def make_network(width: int, depth: int, activation: str) -> nn.Sequential:
    kind = {"relu": nn.ReLU, "tanh": nn.Tanh, "silu": nn.SiLU}[activation]
    layers: list[nn.Module] = []
    size = 2
    for _ in range(depth):
        layers += [nn.Linear(size, width), kind()]
        size = width
    return nn.Sequential(*layers, nn.Linear(size, 1))


def main() -> None:
    arguments = parse_arguments()
    pyruns.should_stop()  # handles the signals from now on
    # A task sees only the GPUs that it was given, so the first one is right.
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(arguments.seed)
    random = torch.Generator().manual_seed(arguments.seed)
    points, labels = (part.to(device) for part in spirals(500, 0.02, random))
    unseen, truth = (part.to(device) for part in spirals(500, 0.02, random))

    network = make_network(arguments.width, arguments.depth, arguments.activation).to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=arguments.lr)
    checkpoint = Path(pyruns.checkpoint_dir()) / "last.pt"
    first = 1
    if pyruns.resumed_from() and checkpoint.exists():
        saved = torch.load(checkpoint, map_location=device, weights_only=True)
        network.load_state_dict(saved["network"])
        optimizer.load_state_dict(saved["optimizer"])
        first = saved["epoch"] + 1
    print(f"{sum(p.numel() for p in network.parameters())} parameters on {device}", flush=True)

    for epoch in range(first, arguments.epochs + 1):
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(network(points).squeeze(1), labels)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            accuracy = ((network(unseen).squeeze(1) > 0) == truth.bool()).float().mean().item()
        pyruns.track(epoch=epoch, loss=loss.item(), acc=accuracy)
        is_interrupted = pyruns.should_stop() and epoch < arguments.epochs
        if epoch % 50 == 0 or is_interrupted:
            print(f"epoch {epoch}  loss {loss.item():.4f}  acc {accuracy:.3f}", flush=True)
            state = {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
            torch.save(state, checkpoint.with_suffix(".tmp"))
            checkpoint.with_suffix(".tmp").replace(checkpoint)  # a kill cannot leave half of it
        if is_interrupted:
            sys.exit(os.EX_TEMPFAIL)  # which asks to be requeued

    pyruns.record(acc=accuracy, loss=loss.item())


if __name__ == "__main__":
    main()
