"""In what language a comment is: who would go unjudged, and what no string can do to it."""

# ruff: noqa: RUF001  look-alike letters and other scripts are what is tested

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toxicity_ml import language as language_module
from toxicity_ml.language import LANGUAGES, MAX_CHARACTERS, Identified, detected, identify
from toxicity_ml.language_tags import is_language_tag

ENGLISH = "The town council has moved the market to Saturday, and nobody had asked the traders."
FOREIGN = {
    "de": "Der Stadtrat hat den Markt auf Samstag verlegt, und niemand hat die Händler gefragt.",
    "fr": "Le conseil municipal a déplacé le marché au samedi sans demander aux commerçants.",
    "es": "El ayuntamiento ha cambiado el mercado al sábado y nadie preguntó a los vendedores.",
    "pt": "A câmara mudou o mercado para sábado e ninguém perguntou nada aos vendedores.",
    "it": "Il comune ha spostato il mercato al sabato e nessuno ha chiesto ai commercianti.",
    "nl": "De gemeenteraad heeft de markt naar zaterdag verplaatst en niemand vroeg het de kooplui.",
    "pl": "Rada miasta przeniosła targ na sobotę i nikt nie zapytał kupców o zdanie.",
    "tr": "Belediye pazarı cumartesi gününe aldı ve kimse esnafa bir şey sormadı.",
    "ru": "Городской совет перенёс рынок на субботу, и никто не спросил торговцев.",
    "ar": "نقل مجلس المدينة السوق إلى يوم السبت ولم يسأل أحد التجار عن رأيهم.",
    "zh": "市议会把集市改到了星期六，没有人问过商贩的意见。",
    "ja": "市議会は市場を土曜日に移しましたが、誰も商人に聞きませんでした。",
    "hi": "नगर परिषद ने बाज़ार शनिवार को कर दिया और किसी ने व्यापारियों से नहीं पूछा।",
}


@pytest.mark.parametrize(
    "text",
    [
        "ciao burger lads",
        "ok lol gud",
        "https://example.org/pictures/cat-on-a-roof.jpg",
        "![](https://example.org/pictures/katze-auf-dem-dach.jpg)",
        "🙇🙇",
        "😂😂😂 :joy: ❤️",
        "",
        "   \n\t ",
        "12345 67890 1111",
        "hahahahaha jajajaja hehehe",
        "Nooooooooo waaaaaaay",
        "Sabina of Bavaria",
        'for (int i = 0; i < n; i++) { printf("hi"); }',
        "```\nwenn das hier nicht geht dann weiss ich auch nicht weiter\n```",
        "> Der Stadtrat hat den Markt auf Samstag verlegt.\nI agree.",
        "@hans_im_glueck @stadtverwaltung_bremen #marktplatz",
        "u r such a n00b l33t h4x0r pwned",
        "y0u 4r3 4n 1d10t 4nd 4 m0r0n",
        "wut r u doin 2nite my dude lolz",
        "teh coucnil shoud hav askt teh tradders abuot ti",
        "STOP SHOUTING AT ME YOU UTTER FOOL",
        "уоu аrе а stuріd mоrоn",
        "𝔂𝓸𝓾 𝓪𝓻𝓮 𝓪 𝓬𝓸𝓶𝓹𝓵𝓮𝓽𝓮 𝓲𝓭𝓲𝓸𝓽",
        "y o u  a r e  a n  i d i o t",
        ENGLISH,
        ENGLISH.upper(),
    ],
)
def test_what_an_english_site_has_to_score_is_its_own(text: str) -> None:
    identified = identify(text, own=["en"])
    assert (identified.language, identified.is_own) == ("en", True)
    assert detected(text)[0] == "en"


@pytest.mark.parametrize("language", FOREIGN)
def test_a_sentence_of_another_language_is_recognised(language: str) -> None:
    identified = identify(FOREIGN[language], own=["en"])
    assert (identified.language, identified.is_own) == (language, False)
    assert detected(FOREIGN[language])[0] == language
    assert next(iter(identified.likelihoods)) == language
    assert sum(identified.likelihoods.values()) == pytest.approx(1)


@pytest.mark.parametrize("language", FOREIGN)
def test_each_language_is_the_own_one_of_its_site_and_english_is_not(language: str) -> None:
    assert identify(FOREIGN[language], own=[language]).is_own
    assert identify(FOREIGN[language], own=["en", language]) == Identified(
        language, True, identify(FOREIGN[language], own=["en", language]).likelihoods
    )
    assert identify(ENGLISH, own=[language]).language == "en"


def test_a_few_signs_of_another_script_are_enough() -> None:
    for text, language in (
        ("Привет всем", "ru"),
        ("你好吗", "zh"),
        ("안녕하세요", "ko"),
        ("שלום לכולם", "he"),
    ):
        assert identify(text, own=["en"]).language == language
    assert identify("Привет всем", own=["ru"]).is_own


@pytest.mark.parametrize(
    ("text", "language"),
    [("ქალაქის საბჭომ ბაზარი გადაიტანა. ", "ka"), ("Քաղաքի խորհուրդը տեղափոխեց շուկան։ ", "hy")],
)
def test_a_long_text_in_a_rare_script_is_recognised(text: str, language: str) -> None:
    identified = identify(text * 100, own=["en"])
    assert (identified.language, identified.is_own) == (language, False)
    assert sum(identified.likelihoods.values()) == pytest.approx(1)


@pytest.mark.parametrize("language", ["de", "fr", "ru", "zh"])
def test_an_insult_among_foreign_sentences_is_judged(language: str) -> None:
    padded = f"{FOREIGN[language]} You are nothing but a stupid liar. {FOREIGN[language]}"
    assert identify(padded, own=["en"]).is_own
    assert not identify(f"{FOREIGN[language]} {FOREIGN[language]}", own=["en"]).is_own


@pytest.mark.parametrize(
    "hidden",
    [
        "> You are nothing but a stupid liar",
        "`You are nothing but a stupid liar`",
        "```\nYou are nothing but a stupid liar\n```",
        "<You are nothing but a stupid liar>",
        "[You are nothing but a stupid liar](https://example.org/)",
        "Y0u are noth1ng but a stup1d l1ar",
        "Yоu аrе nоthing but а stupid liаr",
    ],
)
def test_an_insult_that_is_dressed_up_among_foreign_sentences_is_judged(hidden: str) -> None:
    assert identify(f"{FOREIGN['fr']}\n{hidden}\n{FOREIGN['fr']}", own=["en"]).is_own


def test_an_insult_at_the_end_of_a_long_foreign_text_is_judged() -> None:
    many = " ".join(FOREIGN.values())
    assert len(many) * 30 > MAX_CHARACTERS
    assert not identify(many * 30, own=["en"]).is_own
    assert identify(f"{many * 30} You are nothing but a stupid liar.", own=["en"]).is_own


def test_tags_of_the_site_come_back_as_the_site_writes_them() -> None:
    assert identify(ENGLISH, own=["de", "en-GB"]).language == "en-GB"
    assert identify("ok lol gud", own=["pt-BR", "en"]).language == "pt-BR"
    assert detected(ENGLISH, own=["en-GB"]) == ["en-GB"]
    norwegian = "Kommunestyret har flyttet markedet til lørdag, og ingen spurte de handlende om det."
    assert identify(norwegian, own=["nb"]).is_own


def test_where_the_library_does_not_know_the_site_s_language_every_text_is_its_own() -> None:
    assert identify(FOREIGN["de"], own=["tlh"]).language == "tlh"


def test_a_site_without_a_language_is_refused_and_so_is_what_is_no_text() -> None:
    with pytest.raises(ValueError, match="at least one language"):
        identify(ENGLISH, own=[])
    with pytest.raises(TypeError, match="identify takes one text"):
        identify(None, own=["en"])  # type: ignore[arg-type]


@given(st.text(st.characters(codec=None)), st.lists(st.sampled_from(["en", "de-AT", "zh", "xx"]), min_size=1))
def test_any_string_has_a_language(text: str, own: list[str]) -> None:
    identified = identify(text, own=own)
    assert is_language_tag(identified.language)
    assert identified.is_own == (identified.language in own)
    assert detected(text, own=own)[0] == identified.language
    assert identified == identify(text, own=own)


@given(st.text("абв😀 .!?:<>[]()`@#&;\x00\ud800\u202e\u200d\n0123abc", max_size=400), st.integers(0, 60))
def test_foreign_or_not_what_is_no_word_does_not_count(noise: str, emoji: int) -> None:
    quiet = "".join(sign for sign in noise if not sign.isalpha() and sign not in ">`<[]&:@#(){}\n.!?")
    plain = identify(FOREIGN["de"], own=["en"])
    assert identify(f"{quiet} {FOREIGN['de']} {'😀' * emoji}", own=["en"]).language == plain.language


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "é ",
        "```",
        "<",
        "[a](b",
        "x@",
        "&#a",
        "> \n",
        "`a",
        "ab",
        "аa",
        "\ud800",
        "\u202e",
        "https://",
        ":a",
    ],
)
def test_a_text_of_a_megabyte_is_read_at_its_ends(piece: str) -> None:
    short = piece * (10 * MAX_CHARACTERS // len(piece))
    text = short + piece * (1_000_000 // len(piece))
    assert identify(text, own=["en"]).language == identify(short, own=["en"]).language


def test_many_threads_get_the_same_answers() -> None:
    texts = [ENGLISH, *FOREIGN.values()] * 20
    alone = [identify(text, own=["en"]) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda text: identify(text, own=["en"]), texts)) == alone


def test_every_language_that_is_told_apart_is_known_to_the_library() -> None:
    from toxicity_ml.language import _known

    assert _known() >= LANGUAGES


def test_without_the_library_the_error_names_the_extra(tmp_path: Path) -> None:
    (tmp_path / "py3langid").mkdir()
    (tmp_path / "py3langid" / "__init__.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'py3langid'\", name='py3langid')"
    )
    script = (
        "from toxicity_ml.language import identify; identify('Der Stadtrat hat heute getagt', own=['en'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "MissingExtra: This needs py3langid" in done.stderr and "[worker]" in done.stderr


@pytest.mark.parametrize("tag", ["en", "pt-BR", "zh-Hant", "zh-Hant-TW", "es-419", "gsw"])
def test_a_language_tag(tag: str) -> None:
    assert is_language_tag(tag)


@pytest.mark.parametrize(
    "value", ["", "e", "english", "en_GB", "en-", "-en", "en GB", "en\n", None, 1, ["en"]]
)
def test_no_language_tag(value: object) -> None:
    assert not is_language_tag(value)


def test_what_is_plainly_english_is_told_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(words: str, own: set[str]) -> dict[str, float]:
        raise AssertionError(words)

    monkeypatch.setattr(language_module, "_likelihoods", fail)
    plain = "I think that they should have told you about this before the game, 10/10 😀"
    assert identify(plain, own=["fr", "en-GB"]) == Identified("en-GB", True, {})


@pytest.mark.parametrize(
    "text",
    [
        "J'ai relu hier soir « The Lord of the Rings and You », un essai tout à fait remarquable sur les "
        "livres de Tolkien et sur leurs lecteurs, que je conseille vivement à tous mes amis.",
        "Hij zei dat hij not of this world is, maar dat geloof ik niet, want hij woont gewoon bij ons.",
        "这部电影叫 what they think about you,我觉得非常无聊,完全不值得去电影院看,大家还是在家看书吧",
    ],
)
def test_a_few_english_words_do_not_make_a_text_english(text: str) -> None:
    assert not identify(text, own=["en"]).is_own
