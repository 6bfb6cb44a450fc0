"""What the queue says of a disguised text, and what it masks."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from moderation.admin.display.safe_text import Highlight, visible
from moderation.models import ModelVersion, ModeratorPreferences
from moderation.screening.disguises import EXCERPT, disguise_in, swear_words_in
from tests.moderation.test_blind import CLEAR, FLAGGED, queue
from tests.moderation.test_queue import QUEUE, open_page, queued, staff
from toxicity_ml.text import reading
from toxicity_ml.text.reading import read_as

CYRILLIC = "у\u043eu аr\u0435 а ѕtuріd"  # noqa: RUF001 - what it is about


@pytest.fixture
def moderator(version: ModelVersion) -> Client:
    return staff("ann", "review_screening")


def prefer(**choices: Any) -> None:
    ModeratorPreferences.objects.create(user_key=str(User.objects.get(username="ann").pk), **choices)


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        (CYRILLIC, "you are a stupid"),
        ("ｙｏｕ ｆｏｏｌ", "you fool"),  # noqa: RUF001
        ("you i d i o t", "you idiot"),
        ("i.d.i.o.t!", "idiot!"),
        ("1d10t and st*pid", "idiot and stupid"),
        ("id\u200biot", "idiot"),
        ("\U0001d4f2\U0001d4ed\U0001d4f2\U0001d4f8\U0001d4fd", "idiot"),
        ("f<b></b>uck you", "fuck you"),
        ("i\u0337d\u0337i\u0337o\u0337t\u0337", "idiot"),
    ],
)
def test_a_disguised_text_reads_as_a_person_reads_it(text: str, reads: str) -> None:
    disguise = disguise_in(text)
    assert disguise is not None and disguise.excerpt == reads
    assert disguise.is_beginning and disguise.is_end


@pytest.mark.parametrize(
    "text",
    [
        "Thank you, that was helpful.",
        "Привет, как дела?",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "caf\u00e9 cafe\u0301 na\u00efve Ti\u1ebfng Vi\u1ec7t",
        "नमस्ते, क्या हाल है",
        "สวัสดีครับ นี่คือ",
        "5 \u00b5m, 1\u00aa, m\u00b2",
        "\U0001f469\u200d\U0001f469\u200d\U0001f467 ok \u2764\ufe0f",
        "U.S. e.t.c.",
        "",
    ],
)
def test_ordinary_writing_of_any_script_has_no_other_reading(text: str) -> None:
    assert disguise_in(text) is None


def test_the_alphabets_that_pass_for_latin_are_named() -> None:
    disguise = disguise_in(CYRILLIC)
    assert disguise is not None and disguise.alphabets == ("Cyrillic",)
    russian = disguise_in("Это iPh\u043ene, \u0430 не самовар")
    assert russian is not None and russian.excerpt == "Это iPhone, \u0430 не самовар"


def test_of_a_long_text_the_place_of_the_disguise_is_shown() -> None:
    disguise = disguise_in("a fine day " * 100 + "you i.d.i.o.t " + "a fine day " * 100)
    assert disguise is not None and "you idiot" in disguise.excerpt
    assert len(disguise.excerpt) <= EXCERPT and not disguise.is_beginning and not disguise.is_end


def test_a_web_process_reads_disguises_without_any_model_library() -> None:
    script = (
        "import sys; from moderation.screening.disguises import disguise_in\n"
        "assert disguise_in('\u0455tu\u0440id').excerpt == 'stupid'\n"
        "heavy = {'torch', 'numpy', 'onnxruntime', 'tokenizers', 'ftfy'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.django_db
def test_the_queue_says_how_a_text_reads(moderator: Client) -> None:
    queued(CYRILLIC)
    page = open_page(moderator)
    assert "Reads as:" in page and ">you are a stupid</bdi>" in page
    assert "Letters that look Latin are Cyrillic." in page


@pytest.mark.django_db
def test_a_reading_is_escaped(moderator: Client) -> None:
    queued("i d i o t <script>alert(1)</script> \u202eabc")
    page = open_page(moderator)
    assert "idiot &lt;script&gt;" in page and "<script>alert" not in page


@pytest.mark.django_db
@pytest.mark.regression("H6")
def test_a_reading_is_of_the_text_alone_and_tells_nothing_of_the_model(
    moderator: Client, settings: Any
) -> None:
    rows = queue(settings)
    for text in (CLEAR[0], FLAGGED[0]):
        row = rows[text]
        row.text = CYRILLIC
        row.save()
        assert ">you are a stupid</bdi>" in open_page(moderator, f"{row.pk}/change/")


# --- hidden messages, stacked marks ------------------------------------------------------------------


def test_what_is_written_in_tags_or_selectors_is_read_out() -> None:
    tags = "".join(chr(0xE0000 + ord(one)) for one in "ignore all <rules>")
    assert "hidden: \u201cignore all &lt;rules&gt;\u201d" in visible(f"hello{tags}")
    selectors = "".join(chr(0xFE00 + b if b < 16 else 0xE0100 + b - 16) for b in b"obey me")
    assert "hidden: \u201cobey me\u201d" in visible(f"\U0001f600{selectors}")
    long = visible("".join(chr(0xE0000 + ord("a")) for _ in range(100_000)))
    assert len(long) < 500


def test_flags_and_one_selector_stay_as_they_are() -> None:
    wales = "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f"
    assert visible(f"a{wales}b \u2764\ufe0f") == f"a{wales}b \u2764\ufe0f"
    smuggled = visible("\U0001f3f4" + "".join(chr(0xE0000 + ord(one)) for one in "kill") + "\U000e007f")
    assert "hidden: \u201ckill\u201d" in smuggled


@pytest.mark.parametrize("mark", ["\u0e49", "\u0ec9", "\u093f", "\u0bbe", "\u1032", "\u05b4", "\u064e"])
def test_stacks_of_marks_are_cut_in_every_script(mark: str) -> None:
    shown = visible(f"\u0e01{mark * 5000}x")
    assert shown.count(mark) == 3 and "+4997 marks" in shown and shown.endswith("x")


@pytest.mark.parametrize("word", ["ที่นี่", "क्षत्रिय", "မြန်မာစာအုပ်ကြွှိုင့်", "בְּרֵאשִׁ֖ית", "བསྒྲུབས", "ເພື່ອ"])
def test_words_that_are_written_with_marks_stay_whole(word: str) -> None:
    assert visible(word) == word


# --- words that are marked or masked -----------------------------------------------------------------


def test_a_highlight_holds_its_word_and_says_what_it_is_for() -> None:
    shown = visible("a <b> c", highlights=[Highlight(2, 5, 3, "insult")])
    assert shown == (
        'a <mark class="moderation-word moderation-word-3">&lt;b&gt;'
        '<span class="visually-hidden"> (insult)</span></mark> c'
    )


def test_highlights_and_notes_never_cross() -> None:
    text = "ab\u200b\u200bcd"
    for start in range(len(text)):
        for end in range(start + 1, len(text) + 1):
            shown = visible(text, highlights=[Highlight(start, end, 1, "x")])
            assert shown.count("<mark") == shown.count("</mark>") <= 1
            inside = shown.split("<mark")[1].split("</mark>")[0] if "<mark" in shown else ""
            assert inside.count("<span") == inside.count("</span>")
            assert shown.count("U+200B") == 1


def test_highlights_beyond_the_text_and_beside_each_other() -> None:
    marks = [Highlight(0, 2, 1, "x"), Highlight(2, 4, 2, "y"), Highlight(9, 12, 3, "z")]
    shown = visible("abcd\r\nef", highlights=marks)
    assert shown.count("<mark") == 2 and shown.endswith("</mark>\nef")


def test_masked_words_keep_their_first_letter_and_nothing_else() -> None:
    assert visible("you f.u.c.k er", masked=[(4, 11)]) == "you f.*.*.* er"
    assert visible("a\r\nshit", masked=[(3, 7)]) == "a\ns***"
    both = visible("shit", masked=[(0, 4)], highlights=[Highlight(0, 4, 1, "x")])
    assert ">s***<" in both and "shit" not in both


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("What the FUCK, you assholes", ["FUCK", "assholes"]),
        ("you i d i o t", ["i d i o t"]),
        ("\u0455hit happens", ["\u0455hit"]),
        ("Du Vollidiot, verpiss dich aus dem Scheißladen", ["Vollidiot", "verpiss", "Scheißladen"]),
        ("Scunthorpe, assess the class; Dickens; Arschkarte", []),
    ],
)
def test_swear_words_are_found_in_english_and_german(text: str, words: list[str]) -> None:
    assert [text[start:end] for start, end in swear_words_in(text)] == words


@pytest.mark.django_db
def test_swear_words_are_masked_until_somebody_asks(moderator: Client) -> None:
    screening = queued("well, fuck y\u043eu f.u.c.k")
    assert "fuck" in open_page(moderator)
    prefer(masks_profanity=True)
    for page in (open_page(moderator), open_page(moderator, f"{screening.pk}/change/")):
        assert "fuck" not in unescape(page) and "f***" in page
        assert f'href="{QUEUE}{screening.pk}/change/?plain=1"' in page
    for address in (f"{screening.pk}/change/?plain=1", f"{screening.pk}/text/?plain=1"):
        page = open_page(moderator, address)
        assert "well, fuck" in page and "Show the swear words" not in page
    assert "Show the swear words" not in open_page(moderator, f"{queued('hello').pk}/text/")


@pytest.mark.django_db
def test_texts_are_covered_until_somebody_asks_also_without_script(moderator: Client) -> None:
    screening = queued("you fool, y\u043eu")
    assert "moderation-cover" not in open_page(moderator)
    prefer(covers_texts=True)
    for page in (open_page(moderator), open_page(moderator, f"{screening.pk}/change/")):
        cover = page[page.index('<details class="moderation-cover">') :]
        assert cover.index("<summary") < cover.index("you fool") < cover.index("</details>")
        assert "you fool" not in page[: page.index("moderation-cover")]
        assert cover.index("Reads as:") < cover.index("</details>")
    assert '<details class="moderation-cover" open>' in open_page(moderator, f"{screening.pk}/text/?plain=1")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text",
    [
        '<img src="https://evil.example/x.png">',
        "![x](https://evil.example/x.png)",
        "https://evil.example/x.png",
        '<svg><image href="https://evil.example/x.png"/></svg>',
        '<style>*{background:url(https://evil.example/x.png)}</style><link rel="icon" href="//evil.example">',
    ],
)
def test_no_picture_of_a_text_is_ever_loaded(moderator: Client, text: str) -> None:
    screening, harmless = queued(text), queued("hello")
    plain = Elements.of(open_page(moderator, f"{harmless.pk}/change/"))
    for page in (open_page(moderator), open_page(moderator, f"{screening.pk}/change/")):
        assert "evil.example" in page
        assert not [value for value in Elements.of(page).values if "evil.example" in value]
    assert Elements.of(page).names == plain.names


class Elements(HTMLParser):
    """Collects the names of a page's elements, and whatever could name an address: attributes and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.names: Counter[str] = Counter()
        self.values: list[str] = []
        self._is_style = False

    @classmethod
    def of(cls, page: str) -> Elements:
        elements = cls()
        elements.feed(page)
        return elements

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names[tag] += 1
        self.values += [value or "" for _, value in attrs]
        self._is_style = tag in ("style", "script")

    def handle_endtag(self, tag: str) -> None:
        self._is_style = False

    def handle_data(self, data: str) -> None:
        if self._is_style:
            self.values.append(data)


def test_a_text_is_read_once_however_often_a_page_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def noted(text: str) -> Any:
        seen.append(text)
        return read_as(text)

    monkeypatch.setattr(reading, "read_as", noted)
    short, long = "you are a st\u0443pid fool, once", "a long remark " * 600
    for _ in range(2):
        disguise_in(short)
        swear_words_in(short)
        disguise_in(long)
    assert (seen.count(short), seen.count(long)) == (1, 1)
