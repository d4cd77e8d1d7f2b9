"""What a user would serve the same model with: each runs in `.peers`, an environment of its own."""
