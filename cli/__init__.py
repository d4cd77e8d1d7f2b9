"""The verbs of the line: parsing and printing only."""
