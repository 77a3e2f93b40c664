"""One module per user intention: offers, runs, review, gaps, authoring."""
