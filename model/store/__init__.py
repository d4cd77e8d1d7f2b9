"""Tables as memory-mapped arrays with time-sorted links, and their rows as numbers and codes."""
