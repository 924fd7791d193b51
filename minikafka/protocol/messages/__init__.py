"""Requests and responses, one module per api, and what consumers put inside them."""
