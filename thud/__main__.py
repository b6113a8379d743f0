"""`python -m thud VERB`."""

import sys

from thud.cli import main

if __name__ == "__main__":
    sys.exit(main())
