"""Multi-label toxicity classification: train, evaluate, export and serve. Knows nothing of Django or Celery.

The serving path is one line and imports neither torch nor transformers::

    from toxicity_ml import Classifier

    Classifier.load().predict("you are an idiot")
"""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toxicity_ml.classifier import Classifier

# ONNX Runtime (from 1.29 on) sends reports to its maker, unless it is told not to before it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__all__ = ["Classifier", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "Classifier":  # onnxruntime is loaded only by those who classify
        from toxicity_ml.extras import naming_the_extra

        with naming_the_extra():
            from toxicity_ml.classifier import Classifier

        return Classifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
