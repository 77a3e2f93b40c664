"""Slow tests with real toolchains and real projects; `make test-real` runs them."""
