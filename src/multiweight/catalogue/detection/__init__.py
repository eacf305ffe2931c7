"""Entries of detectors, one file a family."""
