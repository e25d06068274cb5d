"""Export: tables of results and archives of tasks."""
