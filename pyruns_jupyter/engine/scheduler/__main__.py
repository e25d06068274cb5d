"""`python -m pyruns_jupyter.engine.scheduler <_pyruns_ folder>`."""

import sys

from .process import main

if __name__ == "__main__":
    sys.exit(main())
