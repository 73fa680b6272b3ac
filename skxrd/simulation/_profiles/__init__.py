"""From lines to patterns: shapes and widths."""
