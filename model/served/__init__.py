"""What runs inside Triton: numpy and the standard library only; training encodes by the same code."""
