"""A simulated fashion shop with hidden state: tables whose signals are known."""
