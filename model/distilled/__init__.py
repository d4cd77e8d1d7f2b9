"""The small model: what it sees of a row, network, the deep model's lesson, training."""
