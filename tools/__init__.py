"""The programs and files of the cluster tests, from Go modules that the folders here pin: `python -m tools.build`."""
