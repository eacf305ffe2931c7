"""Networks for classification that can be quantized: weights and features of 8 bits, for inference on CPUs.

```python
model = resnet50(weights=ResNet50_QuantizedWeights.DEFAULT, quantize=True)
```

With `quantize=False` each is the network of `multiweight.models` in floating point, with its weights. The other
variants of classification have a builder here too, for weights that `multiweight.quantize_weights` made:
`quantization.efficientnet_b0(weights="efficientnet_b0_int8.safetensors", quantize=True)`.

Paper: Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference,
https://arxiv.org/abs/1712.05877
"""

from typing import Any as _Any

from multiweight.models.quantization import inception, mobilenet, mobilenetv2, mobilenetv3, resnet, shufflenetv2
from multiweight.models.quantization.googlenet import (
    GoogLeNet_QuantizedWeights,
    QuantizableGoogLeNet,
    googlenet,
)
from multiweight.models.quantization.inception import (
    Inception_V3_QuantizedWeights,
    QuantizableInception3,
    inception_v3,
)
from multiweight.models.quantization.mobilenetv2 import (
    MobileNet_V2_QuantizedWeights,
    QuantizableMobileNetV2,
    mobilenet_v2,
)
from multiweight.models.quantization.mobilenetv3 import (
    MobileNet_V3_Large_QuantizedWeights,
    QuantizableMobileNetV3,
    mobilenet_v3_large,
)
from multiweight.models.quantization.resnet import (
    QuantizableResNet,
    ResNet18_QuantizedWeights,
    ResNet50_QuantizedWeights,
    ResNeXt101_32X8D_QuantizedWeights,
    ResNeXt101_64X4D_QuantizedWeights,
    resnet18,
    resnet50,
    resnext101_32x8d,
    resnext101_64x4d,
)
from multiweight.models.quantization.shufflenetv2 import (
    QuantizableShuffleNetV2,
    ShuffleNet_V2_X0_5_QuantizedWeights,
    ShuffleNet_V2_X1_0_QuantizedWeights,
    ShuffleNet_V2_X1_5_QuantizedWeights,
    ShuffleNet_V2_X2_0_QuantizedWeights,
    shufflenet_v2_x0_5,
    shufflenet_v2_x1_0,
    shufflenet_v2_x1_5,
    shufflenet_v2_x2_0,
)

__all__ = [
    "GoogLeNet_QuantizedWeights",
    "Inception_V3_QuantizedWeights",
    "MobileNet_V2_QuantizedWeights",
    "MobileNet_V3_Large_QuantizedWeights",
    "QuantizableGoogLeNet",
    "QuantizableInception3",
    "QuantizableMobileNetV2",
    "QuantizableMobileNetV3",
    "QuantizableResNet",
    "QuantizableShuffleNetV2",
    "ResNeXt101_32X8D_QuantizedWeights",
    "ResNeXt101_64X4D_QuantizedWeights",
    "ResNet18_QuantizedWeights",
    "ResNet50_QuantizedWeights",
    "ShuffleNet_V2_X0_5_QuantizedWeights",
    "ShuffleNet_V2_X1_0_QuantizedWeights",
    "ShuffleNet_V2_X1_5_QuantizedWeights",
    "ShuffleNet_V2_X2_0_QuantizedWeights",
    "googlenet",
    "inception",
    "inception_v3",
    "mobilenet",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "mobilenetv2",
    "mobilenetv3",
    "resnet",
    "resnet18",
    "resnet50",
    "resnext101_32x8d",
    "resnext101_64x4d",
    "shufflenet_v2_x0_5",
    "shufflenet_v2_x1_0",
    "shufflenet_v2_x1_5",
    "shufflenet_v2_x2_0",
    "shufflenetv2",
]


def __getattr__(name: str) -> _Any:
    """The builder of any other variant of classification."""
    from multiweight.errors import UnknownModelError
    from multiweight.models.quantization._quantizable import builder_of

    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return builder_of(name)
    except UnknownModelError as error:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}: {error}") from None
