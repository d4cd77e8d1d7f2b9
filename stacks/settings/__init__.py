"""A stack file as frozen, checked values: one module for each section of the file."""
