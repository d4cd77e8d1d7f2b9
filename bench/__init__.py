"""How fast the endpoint is, against an empty model and against what a user would take instead: `make bench`."""
