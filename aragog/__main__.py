"""`python -m aragog`."""

from aragog.cli import main

main()
