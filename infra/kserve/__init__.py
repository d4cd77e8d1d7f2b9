"""KServe, the namespace in which models run, and the runtime that serves them."""
