"""Use a model: from pictures to labels."""

from multiweight.predict._prediction import Prediction
from multiweight.predict._predictor import Predictor, find_device

__all__ = ["Prediction", "Predictor", "find_device"]
