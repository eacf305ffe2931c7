"""Entries of networks for semantic segmentation, one file a family."""
