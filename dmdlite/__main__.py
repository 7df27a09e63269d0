"""`python -m dmdlite` is the command `dmdlite`."""

from .cli import main

main()
