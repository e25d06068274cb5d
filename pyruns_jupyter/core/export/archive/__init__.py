"""Archives: tasks in one zip file that can be opened on another machine, in another project.

archive.json              its content: format, workspace, tasks, path of the project
code/<path>               the script and the project's modules that it imports, relative to the project
config_default.yaml       the default configuration
tasks/<task>/...          the tasks' folders
snapshots/<path>          stored code that runs of these tasks used
"""

from .packing import Packed, pack
from .unpacking import Imported, unpack

__all__ = ["Imported", "Packed", "pack", "unpack"]
