"""The serving path on one machine: a release file -> real Triton processes behind a real Envoy."""
