"""The server extension: REST API and websockets for the projects below the server's root."""
