from . import catalogue as catalogue
from . import errors as errors
from . import evaluate as evaluate
from . import models as models
from . import train as train
from . import transforms as transforms
from .catalogue import Meta as Meta
from .catalogue import Weights as Weights
from .catalogue import WeightsEnum as WeightsEnum
from .catalogue import get_model_weights as get_model_weights
from .catalogue import get_weight as get_weight
from .catalogue import list_models as list_models
from .models import get_model as get_model
from .models import get_model_builder as get_model_builder
from .models._features import features as features
from .models._report import LoadReport as LoadReport
from .predict import Detection as Detection
from .predict import Detections as Detections
from .predict import FlowField as FlowField
from .predict import Prediction as Prediction
from .predict import Predictor as Predictor
from .predict import SegmentationMap as SegmentationMap
from .predict import VideoLabels as VideoLabels
from .quantization import quantize as quantize
from .quantization import quantize_weights as quantize_weights
from .store.push import push as push

__version__: str
