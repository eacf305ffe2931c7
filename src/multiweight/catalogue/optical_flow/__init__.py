"""Entries of networks for optical flow, one file a family."""
