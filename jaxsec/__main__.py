"""`python -m jaxsec`, the same as the command `jaxsec`."""

import sys

from jaxsec.cli.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
