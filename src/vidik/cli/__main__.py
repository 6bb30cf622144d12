"""`python -m vidik.cli` is `vidik`."""

from vidik.cli import main

main()
