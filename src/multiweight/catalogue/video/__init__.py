"""Entries of networks for video classification, one file a family."""
