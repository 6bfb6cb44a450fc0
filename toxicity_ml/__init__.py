"""Multi-label toxicity classification: train, evaluate, export and serve. Knows nothing of Django or Celery.

The serving path is one line and imports neither torch nor transformers::

    from toxicity_ml import Classifier

    Classifier.load().predict("you are an idiot")
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toxicity_ml.classifier import Classifier

__all__ = ["Classifier", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "Classifier":  # onnxruntime is loaded only by those who classify
        from toxicity_ml.classifier import Classifier

        return Classifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
