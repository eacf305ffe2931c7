"""Random weights under the published names, for tests that must go through the store without the network."""

import torch

from multiweight import store
from multiweight.models import get_model


def publish(states, monkeypatch):
    """Puts tensors into the cache as the entries' published files.

    Their hashes are not the published ones, so the check of the hash in the name is taken out, and nothing else.

    Args:
        states: State dicts by entry.
        monkeypatch: pytest's.
    """
    monkeypatch.setattr("multiweight.store.hashes.published_hash", lambda url: None)
    for entry, state in states.items():
        path = store.local_path(entry.url)
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(state, path)


def random_state(entry, seed=0):
    """A state dict that fits the entry, with random weights."""
    torch.manual_seed(seed)
    return get_model(type(entry).variant, weights=None).state_dict()
