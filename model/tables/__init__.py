"""Files of a user become a database with a graph, checked for faults."""
