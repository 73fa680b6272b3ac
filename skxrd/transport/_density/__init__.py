"""Where mobile ions are."""
