"""TLS certificates: cert-manager, and an authority of our own."""
