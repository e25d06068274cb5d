"""Tasks in one zip file that opens on another machine, at another path, in another project.

archive.json              what is in it: format, workspace, tasks, where the project was
code/<path>               the script and the project's modules that it imports, relative to the project
config_default.yaml       what new configurations start from
tasks/<task>/...          the tasks' folders
snapshots/<path>          stored code that runs of these tasks used
"""

from .packing import Packed, pack
from .unpacking import Imported, unpack

__all__ = ["Imported", "Packed", "pack", "unpack"]
