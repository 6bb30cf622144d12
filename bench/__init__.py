"""Figures of Vidik, as ratios against a limit measured in the same run. `make bench`, or `python -m bench --help`."""
