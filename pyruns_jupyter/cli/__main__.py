"""`python -m pyruns_jupyter.cli` is `jupyter pyruns`."""

import sys

from .terminal import main

sys.exit(main())
