"""The operations on workspaces, with requests and results as JSON-ready data.

The server extension and the kernel side of the widgets call these functions. Authentication and transport are
theirs. The functions block, and any thread may call them.
"""
