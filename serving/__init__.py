"""A Triton repository to live traffic; of `model` it uses only artifacts and the payload contract."""
