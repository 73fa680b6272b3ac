"""Positions of ions over time, and what is done to them before any analysis."""
