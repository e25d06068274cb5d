"""The server extension, a window on the `_pyruns_` folders below the server's root."""
