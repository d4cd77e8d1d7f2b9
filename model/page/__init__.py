"""One look for every page of a report."""
