"""Van Hove's correlation functions."""
