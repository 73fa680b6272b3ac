"""``python -m skxrd`` is the command `skxrd`."""

import sys

from skxrd.cli import main

if __name__ == "__main__":
    sys.exit(main())
