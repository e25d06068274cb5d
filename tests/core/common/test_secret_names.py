"""Masking secrets in command lines."""

from __future__ import annotations

import pytest

from pyruns_jupyter.core.common.secret_names import masked_words


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["train.py", "--lr", "0.1"], "train.py --lr 0.1"),
        (["x", "--api-key", "abc", "--lr", "1"], "x --api-key ******** --lr 1"),
        (["x", "--api-key=abc", "wandb.token=abc", "lr=1"], "x --api-key=******** wandb.token=******** lr=1"),
        (["x", "--password", "--lr", "1"], "x --password --lr 1"),
        (["x", "--password"], "x --password"),
        (["x", "https://me:abc@host/a", "https://host/a@b"], "x https://me:********@host/a https://host/a@b"),
        (["x", "token", "abc"], "x token abc"),
        (["x", "--env=API_KEY=abc=d", "-v=a=1"], "x --env=API_KEY=******** -v=a=1"),
        (["x", "https://me:abc@host/?token=abc"], "x https://me:********@host/?token=********"),
    ],
)
def test_values_of_secrets_are_masked(words: list[str], shown: str) -> None:
    assert " ".join(masked_words(words)) == shown
