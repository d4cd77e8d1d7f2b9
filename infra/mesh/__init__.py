"""The Istio service mesh: mutual TLS everywhere, and nothing allowed that is not named."""
