"""Agent files made executable in any editor, through the Language Server Protocol."""

__version__ = "0.1.0"
