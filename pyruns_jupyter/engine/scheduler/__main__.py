"""`python -m pyruns_jupyter.engine.scheduler <_pyruns_ folder>`."""

import gc
import sys

gc.disable()  # importing leaves no garbage; `Executors` enables it

from .process import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
