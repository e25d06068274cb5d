"""Tools for AI agents: the operations of `service` over the Model Context Protocol (MCP), and a skill."""
