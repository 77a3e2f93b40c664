"""`python -m aigentflow`, the same as the command `aigentflow`."""

import sys

from aigentflow.cli import main

if __name__ == "__main__":
    sys.exit(main())
