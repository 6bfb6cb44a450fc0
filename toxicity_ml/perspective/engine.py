"""Scores comments for a service with one loaded model version, its languages and its scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from toxicity_ml.perspective.analysis import AnalysisOptions, Detect, Scale, Scores, analyze
from toxicity_ml.perspective.requests import AnalyzeRequest

__all__ = ["ModelEngine"]


class ModelEngine:
    """The Engine of one model version; every caller is answered alike."""

    def __init__(
        self,
        scores: Scores,
        *,
        labels: Sequence[str],
        languages: Sequence[str] = ("en",),
        detect: Detect | None = None,
        scale: Scale | None = None,
        options: AnalysisOptions | None = None,
    ) -> None:
        """scores, labels, languages: of the model. detect and scale: as `analysis.analyze` takes them."""
        self._scores = scores
        self._labels = labels
        self._languages = languages
        self._detect = detect
        self._scale = scale
        self._options = options

    def analyze(self, request: AnalyzeRequest, caller: Any) -> Mapping[str, object]:
        """The answer to one analysis. Raises WireError, and what the model's `scores` raises."""
        return analyze(
            request,
            scores=self._scores,
            labels=self._labels,
            languages_of_model=self._languages,
            detect=self._detect,
            scale=self._scale,
            options=self._options,
        )
