"""The one way in: an internal load balancer, TLS, tokens, roles and limits."""
