"""Finds the words that speak most for a label in a text of any length, at a cost that its length bounds."""

from collections.abc import Sequence

import numpy as np

from toxicity_ml.explanation.attribution import Word, as_words, checked_label, log_odds, parts_of_words
from toxicity_ml.explanation.words import split_words
from toxicity_ml.inputs import as_text
from toxicity_ml.scorer import Scorer
from toxicity_ml.text.repair import Span, repair

WORDS_OF_A_PASSAGE = 24
"""A passage of more words costs more than it tells: each of its words is taken out once."""
CHARACTERS_OF_A_PASSAGE = 240
"""So do words that are none: a hundred letters are fifty tokens."""
PASSAGES_READ = 400
"""More than English of ``toxicity_ml.text.repair.MAX_CHARACTERS`` has; what follows is not looked at."""
PASSAGES = 3
"""How many passages have their words taken out."""
CLOSE = 2.0
"""A passage whose log-odds are further than this under the highest ones is left out."""
_ENDS = ".!?\n\u2026\u3002\uff01\uff1f"


def driving_words(scorer: Scorer, text: str, label: str) -> tuple[Word, ...]:
    """Return the words of the passages that speak most for a label, in their order, each with its part in it.

    The text is cut into passages of WORDS_OF_A_PASSAGE words at most, at ends of sentences where there are
    any. Each is scored by itself. Of the highest ones, PASSAGES at most, each word is taken out once (Li et
    al. 2016, "Understanding Neural Networks through Representation Erasure") and scored alone once; its value
    is the mean of what the passage's log-odds lose by the one and gain by the other. So a long text costs one
    short text for each passage, and about 2 * PASSAGES * WORDS_OF_A_PASSAGE more. What `attribute` does is
    exact for a whole window, and takes seconds.

    Of a text over ``toxicity_ml.text.repair.MAX_CHARACTERS`` both ends are read, as by the model. Raises
    DataError for an unknown label, TypeError for a text that is not a str.
    """
    as_text(text, "driving_words")
    column = checked_label(scorer.labels, label)
    passages = _passages(text, split_words(text, repair(text)))[:PASSAGES_READ]
    if not passages:
        return ()
    alone = log_odds(scorer.logits([_cut(text, words) for words in passages]), column, scorer.task)
    highest = [int(index) for index in np.argsort(-alone)[:PASSAGES] if alone[index] >= alone.max() - CLOSE]
    driving: list[Word] = []
    for index in sorted(highest):
        words = passages[index]
        start = words[0][0]
        within = [(first - start, last - start) for first, last in words]
        values = parts_of_words(scorer, column, _cut(text, words), within)
        driving.extend(as_words(text, words, values))
    return tuple(driving)


def _cut(text: str, words: Sequence[Span]) -> str:
    return text[words[0][0] : words[-1][1]]


def _passages(text: str, words: Sequence[Span]) -> list[list[Span]]:
    """Group words into passages: whole sentences together while they fit, longer sentences cut."""
    passages: list[list[Span]] = []
    for sentence in _sentences(text, words):
        if passages and _fits(passages[-1], sentence):
            passages[-1].extend(sentence)
            continue
        passages.append([])
        for word in sentence:
            if passages[-1] and not _fits(passages[-1], [word]):
                passages.append([])
            passages[-1].append(word)
    return passages


def _fits(passage: Sequence[Span], more: Sequence[Span]) -> bool:
    """True where a passage stays within the bounds with these words behind it."""
    is_short = more[-1][1] - passage[0][0] <= CHARACTERS_OF_A_PASSAGE
    return is_short and len(passage) + len(more) <= WORDS_OF_A_PASSAGE


def _sentences(text: str, words: Sequence[Span]) -> list[list[Span]]:
    sentences: list[list[Span]] = [[]]
    for number, (start, end) in enumerate(words):
        sentences[-1].append((start, end))
        following = words[number + 1][0] if number + 1 < len(words) else len(text)
        is_end = text[end - 1] in _ENDS or "\n" in text[end:following]
        if is_end and following < len(text) and text[following] not in _ENDS:
            sentences.append([])
    return [sentence for sentence in sentences if sentence]
