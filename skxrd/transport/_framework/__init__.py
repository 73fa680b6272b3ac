"""Whether the other ions have stayed."""
