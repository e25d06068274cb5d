"""What can be asked of a workspace and done to it, as JSON-ready data.

The server's handlers and the kernel's side of the widgets answer with these functions; how a question
arrives and who may ask it is theirs. Everything here blocks, and may be called from any thread.
"""
