"""Texts on which an imported checkpoint is compared with itself, of several languages and scripts."""

from collections.abc import Iterable

from toxicity_ml.augmentation.counterexamples import counterexamples
from toxicity_ml.publishing.publish import CANNED_TEXTS

COMPOSED = 64
"""English texts that are composed of the phrases that augmentation has."""
OTHER_LANGUAGES = (
    "Das war ein kluger Beitrag, vielen Dank dafür.",
    "Du bist ein dummer Esel, halt den Mund!",
    "Merci pour cette réponse, elle m'a beaucoup aidé.",
    "Ferme-la, pauvre idiot, tout le monde te déteste.",
    "Gracias por la explicación, ahora lo entiendo mejor.",
    "Eres un imbécil y no sabes nada de esto.",
    "Grazie mille, un articolo davvero interessante.",
    "Obrigado, foi uma leitura agradável.",
    "Bedankt voor het stuk, ik heb er veel van geleerd.",
    "Спасибо за статью, было интересно.",
    "Ты глупый дурак, замолчи.",
    "Dziękuję, to był bardzo dobry tekst.",
    "この記事はとても分かりやすいです。",
    "这篇文章写得很好。",
    "شكرا على هذا المقال المفيد.",
)


def sample_texts(more: Iterable[str] = ()) -> list[str]:
    """Return texts of all kinds, and those that are given, each once."""
    composed = list(counterexamples(COMPOSED)["text"])
    return list(dict.fromkeys((*CANNED_TEXTS, *OTHER_LANGUAGES, *composed, *more)))
