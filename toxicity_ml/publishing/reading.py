"""Says how a new version reads texts, by its tokenizer and its languages."""

from collections.abc import Sequence

from tokenizers import Tokenizer

from toxicity_ml.language_tags import language_of


def undoes_disguises(tokenizer: Tokenizer, languages: Sequence[str]) -> bool:
    """True where what undoes disguises applies: it knows English words, in pieces that fold case."""
    folds_case = tokenizer.normalizer is not None and tokenizer.normalizer.normalize_str("Ab") == "ab"
    is_english = all(language_of(tag) == "en" for tag in languages)
    return is_english and folds_case and type(tokenizer.model).__name__ == "WordPiece"
