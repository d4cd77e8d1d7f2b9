"""The served model in C: what Triton runs where it can be compiled; `model/served` is the same in numpy."""
