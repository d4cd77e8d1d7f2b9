"""Tables to a Triton repository; imports nothing of the other rooms."""
