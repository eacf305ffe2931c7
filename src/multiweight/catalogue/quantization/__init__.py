"""Entries of quantized networks, one file a family: 8-bit weights of networks for classification."""
