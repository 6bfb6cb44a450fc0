"""Golden examples: texts whose scores prove, at load, that a processor computes int8 as it should."""

# ruff: noqa: RUF001  signs of other scripts

from collections.abc import Iterable

from toxicity_ml.language_tags import language_of

CANNED_TEXTS = (
    "Thank you, this is the clearest explanation of the subject that I have read.",
    "I disagree with the second paragraph: the figures are from 2011 and have been revised since.",
    "you are an idiot",
    "What a stupid, worthless pile of crap. Shut up, you moron.",
    "I will find you and I will kill you.",
    "Go back to your own country, we don't want your kind here.",
    "",
    "The council meets on Tuesday. " * 40 + "You are a pathetic loser.",
)
"""Those of every version."""
OTHER_LANGUAGES: dict[str, tuple[str, ...]] = {
    "de": ("Das war ein kluger Beitrag, vielen Dank dafür.", "Du bist ein dummer Esel, halt den Mund!"),
    "fr": (
        "Merci pour cette réponse, elle m'a beaucoup aidé.",
        "Ferme-la, pauvre idiot, tout le monde te déteste.",
    ),
    "es": (
        "Gracias por la explicación, ahora lo entiendo mejor.",
        "Eres un imbécil y no sabes nada de esto.",
    ),
    "it": ("Grazie mille, un articolo davvero interessante.", "Sei un cretino, torna a dormire."),
    "pt": ("Obrigado, foi uma leitura agradável.", "Cala a boca, seu imbecil."),
    "nl": ("Bedankt voor het stuk, ik heb er veel van geleerd.", "Wat een sukkel ben jij, hou je mond."),
    "ru": ("Спасибо за статью, было интересно.", "Ты глупый дурак, замолчи."),
    "pl": ("Dziękuję, to był bardzo dobry tekst.", "Jesteś głupim durniem, zamknij się."),
    "ja": ("この記事はとても分かりやすいです。",),
    "zh": ("这篇文章写得很好。", "你这个白痴，闭嘴吧。"),
    "ar": ("شكرا على هذا المقال المفيد.", "أنت غبي، اخرس."),
}
"""A friendly one and an insult of languages that a version may name."""


def golden_texts(languages: Iterable[str]) -> tuple[str, ...]:
    """Return the texts of a version with these languages, BCP 47 tags: those of every version, then those of
    each of its languages that has any."""
    others = (text for tag in languages for text in OTHER_LANGUAGES.get(language_of(tag), ()))
    return (*CANNED_TEXTS, *dict.fromkeys(others))
