"""Reads a version's tokenizer for texts that anybody may have written."""

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from toxicity_ml.errors import ModelDamaged, ModelNotFound

_NEVER_IN_A_TEXT = "\x00"
"""Repair takes control characters out of every text before it is tokenised."""


def read_tokenizer(directory: str | Path) -> tuple[Tokenizer, tuple[int, int]]:
    """Return a version's tokenizer without truncation and padding, and the tokens before and after a text.

    The names of special tokens, such as ``[SEP]`` or ``</s>``, are text like any other to it, so that no
    comment can end itself; it is for encoding without special tokens. Raises ModelNotFound or ModelDamaged,
    naming tokenizer.json.
    """
    path = Path(directory) / "tokenizer.json"
    if not path.is_file():
        raise ModelNotFound(f"{path} is missing. Give a model version's directory, or publish one there.")
    try:
        tokenizer = Tokenizer.from_file(str(path))
        ends = _ends_of_a_window(tokenizer, path)
        if type(tokenizer.model).__name__ == "Unigram":
            # it finds its pieces by their text, and the special ones are among them, with the best scores
            tokenizer = Tokenizer.from_str(json.dumps(_unwritable(json.loads(path.read_bytes()))))
    except ModelDamaged:
        raise
    except Exception as error:  # the Rust side raises bare Exception
        raise ModelDamaged(f"{path} is not a tokenizer file. Fetch or publish this version again.") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    return tokenizer, ends


def _ends_of_a_window(tokenizer: Tokenizer, path: Path) -> tuple[int, int]:
    """The tokens before and after every text: [CLS] and [SEP] for a BERT, <s> and </s> for a RoBERTa."""
    around_nothing = tokenizer.encode("").ids
    named = [tokenizer.token_to_id(name) for name in ("[CLS]", "[SEP]")]
    ends = around_nothing if len(around_nothing) == 2 else [token for token in named if token is not None]
    if len(ends) != 2:
        raise ModelDamaged(
            f"{path} puts no one token before and one after a text, as [CLS] and [SEP]; no such tokenizer is "
            "served."
        )
    return ends[0], ends[1]


def _unwritable(content: dict[str, Any]) -> dict[str, Any]:
    """The same tokenizer with its special pieces under names that no repaired text holds, at their places."""
    special = {entry["content"] for entry in content.get("added_tokens", ()) if entry["special"]}
    vocabulary = [
        [_NEVER_IN_A_TEXT + piece if piece in special else piece, score]
        for piece, score in content["model"]["vocab"]
    ]
    return content | {
        "added_tokens": [entry for entry in content.get("added_tokens", ()) if not entry["special"]],
        "post_processor": None,
        "model": content["model"] | {"vocab": vocabulary},
    }
