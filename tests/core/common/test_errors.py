"""Errors as users read them."""

from __future__ import annotations

from pyruns_jupyter.core.common.errors import MAX_MESSAGE, InvalidInput, NotFound, PyrunsError


def test_a_message_does_not_repeat_everything_that_was_given() -> None:
    error = InvalidInput(
        f"The name {'x' * 1_000_000!r} is too long: use fewer letters.", field="y" * 1_000_000
    )
    assert len(error.message) < MAX_MESSAGE + 10
    assert len(str(error)) < MAX_MESSAGE + 10
    assert error.message.startswith("The name 'xxx")
    assert error.message.endswith("xxx' is too long: use fewer letters.")
    assert len(str(error.to_dict())) < 3 * MAX_MESSAGE


def test_other_messages_stay_as_they_are() -> None:
    for kind in (PyrunsError, NotFound, InvalidInput):
        message = "m" * MAX_MESSAGE
        assert kind(message).message == message
