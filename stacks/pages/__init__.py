"""Pages of docs/ that are written from the types and the programs: `python -m stacks.pages` writes them anew."""
