"""Safetensors files made by hand, so that they can be wrong in any way."""

import json

from multiweight.catalogue import Header, ImageClassification

DIGITS = tuple("0123456789")


def header(**more):
    """A header that says little, and what is given."""
    said = {"variant": "shufflenet_v2_x0_5", "labels": DIGITS, "preset": ImageClassification(crop_size=64)}
    return Header(**said | more)


def container(said, tensors=b"\0" * 8):
    """The bytes of a safetensors file.

    Args:
        said: The JSON it begins with, as text or as what becomes it.
        tensors: What follows.
    """
    text = (said if isinstance(said, str) else json.dumps(said)).encode(errors="surrogatepass")
    return len(text).to_bytes(8, "little") + text + tensors


def with_header(text):
    """The bytes of a file with one tensor and this text under our key; `None` for no such key."""
    metadata = {"format": "pt"} | ({} if text is None else {"multiweight": text})
    return container({"__metadata__": metadata, "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})
