"""Makers of the example documents: everything in them, company included, is invented."""
