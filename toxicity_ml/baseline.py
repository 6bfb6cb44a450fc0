"""A simple model that any fine-tuned one has to beat: TF-IDF of words and word pairs, logistic regression."""

from collections.abc import Sequence

import numpy as np


class TfidfBaseline:
    """TF-IDF logistic regression, one-vs-rest (Wang & Manning 2012: simple and strong)."""

    def __init__(self, seed: int = 0) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._seed = seed
        self._vectorizer = TfidfVectorizer(
            ngram_range=(1, 2), min_df=3, sublinear_tf=True, max_features=200_000
        )
        self._models: list = []

    def fit(self, texts: Sequence[str], targets: np.ndarray) -> "TfidfBaseline":
        """targets: float (n, n_labels), NaN = masked. A label without a positive or without a negative has
        the same probability, 0 or 1, for every text (0 where it was never looked at)."""
        from sklearn.linear_model import LogisticRegression

        features = self._vectorizer.fit_transform(texts)
        for index in range(targets.shape[1]):
            known = np.flatnonzero(~np.isnan(targets[:, index]))
            kinds = np.unique(targets[known, index] >= 0.5)
            if len(kinds) < 2:
                self._models.append(float(kinds.all() and len(kinds) == 1))
                continue
            model = LogisticRegression(C=4.0, solver="liblinear", random_state=self._seed)
            self._models.append(model.fit(features[known], targets[known, index] >= 0.5))
        return self

    def predict_array(self, texts: Sequence[str]) -> np.ndarray:
        """Probabilities, float (n, n_labels)."""
        features = self._vectorizer.transform(texts)
        columns = [
            np.full(len(texts), model) if isinstance(model, float) else model.predict_proba(features)[:, 1]
            for model in self._models
        ]
        return np.stack(columns, axis=1)
