"""Keys and values of `__transaction_state`."""
