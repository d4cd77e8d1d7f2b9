"""A VPC over several zones: private nodes, few public addresses, and the endpoints that keep traffic inside."""
