"""Measured verification: which commands verify a proposal, whether their exit status proves anything, and what their output names."""
