"""Attacks and legitimate uses as data, played through the real tools and judged from outside the process."""
