"""Checks what a caller gives as texts, before anything is scored. Knows no model."""

from collections.abc import Iterable, Mapping, Set

_NO_TEXTS = (str, bytes, bytearray, memoryview, Mapping, Set)
"""Iterables whose elements are letters, numbers or keys, or come in no order."""


def as_texts(texts: Iterable[str], caller: str) -> list[str]:
    """List the texts of any iterable of them (a generator, an array, a pandas Series), in its order.

    caller: the method's name, for messages. Raises TypeError that names the index of the first element that
    is no text and its type, or the type of what is no iterable of texts. No message quotes a text.
    """
    refusal = f"{caller} takes a list or another iterable of texts (str) in an order, not {_named(texts)}."
    # a table's columns and a matrix's rows are no texts either
    if isinstance(texts, _NO_TEXTS) or getattr(texts, "ndim", 1) != 1:
        raise TypeError(refusal)
    try:
        iterator = iter(texts)
    except TypeError as error:
        raise TypeError(refusal) from error
    texts_given = list(iterator)
    for index, text in enumerate(texts_given):
        if not isinstance(text, str):
            raise TypeError(f"{caller} takes texts (str), and the one at index {index} is {_named(text)}.")
    return texts_given


def as_text(text: str, caller: str) -> str:
    """Return the text. Raises TypeError that names the type of anything but a str."""
    if not isinstance(text, str):
        raise TypeError(f"{caller} takes one text (str), not {_named(text)}.")
    return text


def _named(value: object) -> str:
    name = type(value).__name__
    return "None" if value is None else f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
