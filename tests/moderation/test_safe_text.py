"""What a moderator sees of a hostile text."""

import pytest

from moderation.admin.display import safe_text
from moderation.admin.display.safe_text import MARKS_SHOWN, shortened, visible


def test_markup_is_escaped() -> None:
    assert visible("<script>alert('x')</script>&") == "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;&amp;"


@pytest.mark.parametrize(
    ("character", "code"),
    [
        ("\u202e", "U+202E"),
        ("\u2066", "U+2066"),
        ("\u200b", "U+200B"),
        ("\u2060", "U+2060"),
        ("\u00ad", "U+00AD"),
        ("\x00", "U+0000"),
        ("\x1b", "U+001B"),
        ("\ud800", "U+D800"),
        ("\U000e0041", "U+E0041"),
    ],
)
def test_a_character_that_hides_or_reorders_is_named_in_its_place(character: str, code: str) -> None:
    shown = visible(f"a{character}b")
    assert character not in shown
    assert code in shown
    assert shown.startswith("a<span") and shown.endswith("</span>b")


def test_a_joiner_is_named_between_plain_letters_and_left_alone_where_it_belongs() -> None:
    assert "U+200D" in visible("i\u200ddiot")
    assert visible("\U0001f469\u200d\U0001f469") == "\U0001f469\u200d\U0001f469"
    persian = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    assert visible(persian) == persian


def test_ten_thousand_combining_marks_become_a_few_and_a_count() -> None:
    shown = visible("z" + "\u0301" * 10_000 + "a")
    assert shown.count("\u0301") == MARKS_SHOWN
    assert "+9997 marks" in shown
    assert shown.endswith("a")


def test_ordinary_accents_stay_as_they_are() -> None:
    assert visible("cafe\u0301 tiê\u0301ng") == "cafe\u0301 tiê\u0301ng"


def test_a_million_hidden_characters_become_one_note() -> None:
    assert len(visible("\u200b" * 1_000_000)) < 200


def test_line_feeds_and_tabs_are_kept() -> None:
    assert visible("a\r\nb\tc\n") == "a\nb\tc\n"


def test_a_long_text_is_shortened_by_characters_or_lines_and_says_so() -> None:
    assert shortened("abc", 5, 2) == ("abc", False)
    assert shortened("abcdefgh", 5, 2) == ("abcde", True)
    assert shortened("a\nb\nc", 100, 2) == ("a\nb", True)
    assert shortened("a\nb\n", 100, 2) == ("a\nb\n", False)


def test_a_text_is_left_to_the_quick_look_only_where_the_thorough_one_finds_nothing() -> None:
    overlooked = [
        code
        for code in range(0x110000)
        if safe_text._HIDDEN_OR_MARKS.search(chr(code) * 8)
        and not safe_text._may_be_odd.__wrapped__(chr(code))
    ]
    assert overlooked == []
