"""`python -m expanda` is the command `expanda`."""

import sys

from expanda.main import main

if __name__ == "__main__":
    sys.exit(main())
