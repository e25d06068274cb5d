"""The code of a project as it was when tasks were queued, stored once by content below `_pyruns_/.code/`."""
