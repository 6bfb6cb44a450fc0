"""What `POST /classify` takes and gives."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, PlainValidator, WithJsonSchema, model_validator

MAX_TEXTS = 100
MAX_CHARACTERS = 50_000
"""Of all texts of one request together: a second of two cores."""


def _any_string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not a string")
    return value


AnyString = Annotated[str, PlainValidator(_any_string), WithJsonSchema({"type": "string"})]
"""Any JSON string, also with halves of surrogate pairs, which pydantic's own str refuses."""


class ClassifyRequest(BaseModel):
    """One text, or several."""

    text: AnyString | None = None
    texts: Annotated[list[AnyString], Field(max_length=MAX_TEXTS)] | None = None

    @model_validator(mode="after")
    def _is_one_form(self) -> ClassifyRequest:
        if (self.text is None) == (self.texts is None):
            raise ValueError('give either "text", a string, or "texts", a list of strings')
        if sum(map(len, self.all_texts)) > MAX_CHARACTERS:
            raise ValueError(f"at most {MAX_CHARACTERS:,} characters in one request")
        return self

    @property
    def all_texts(self) -> list[str]:
        """The texts in their order."""
        return [self.text] if self.text is not None else list(self.texts or ())


class Classification(BaseModel):
    """What the model makes of one text."""

    label: Annotated[str, Field(description="The label with the highest score, of a clean text as well.")]
    confidence: Annotated[float, Field(description="That label's score: a calibrated probability, 0 to 1.")]
    all_scores: Annotated[dict[str, float], Field(description="{label: score}")]
    flagged: Annotated[bool, Field(description="Whether any label is at or over the version's threshold.")]
    model: Annotated[str, Field(description="The model version that scored, as name@version.")]


class Classifications(BaseModel):
    """One classification for each text, in their order."""

    results: list[Classification]
