"""A fake editor that applies, skips and answers as the real clients do, and a typist that types into it."""
