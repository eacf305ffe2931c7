"""What the tests of all families of quantized networks share."""

import pytest


@pytest.fixture
def quantized(monkeypatch):
    """Stands in for what quantizes: gives the network in floating point, and notes what it was asked for."""
    asked = []

    def stand_in(network, weights, progress, *, per_channel):
        asked.append((weights, progress, per_channel))
        return network()

    monkeypatch.setattr("multiweight.models.quantization._quantizable.quantized", stand_in)
    return asked


@pytest.fixture
def loaded(monkeypatch):
    """The entries in floating point whose tensors were asked for; networks stay as they are."""
    loaded = []

    def load(model, weights, progress, *, ignore=()):
        loaded.append((weights, progress, ignore))

    monkeypatch.setattr("multiweight.models._builder.load", load)
    return loaded
