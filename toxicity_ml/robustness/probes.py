"""Texts of our own that must not be flagged, and edge cases that must only be survived."""

from collections.abc import Mapping, Sequence

UNCHANGED = (
    *("U.S.", "U.S.A.", "W.I.T.C.H", "e.t.c", "P.O.V", "XLR8", "Scunthorpe", "S.H.I.E.L.D.", "Y.M.C.A."),
    *("a.k.a.", "M*A*S*H", "4chan", "3D", "B2B", "H2O", "MP3", "Win32", "i18n", "Se7en", "Ke$ha", "P!nk"),
    *("Penistone", "Cockburn", "Dickens", "cocktail", "assassin", "S-c-u-n-t-h-o-r-p-e", "Shi'ite", "looser"),
    *("v1.0.2", "192.168.0.1", "https://example.org/b1rd", "mail@example.com", "photo_1.jpg", "{{fact}}"),
    *("XXIII", "www", "A/B/C/D", "co-op", "T-shirt", "F-16", "C++", "5*5", "AT&amp;T", "H<sub>2</sub>O"),
)
"""Names and abbreviations that look disguised."""

HARMLESS: Mapping[str, Sequence[str]] = {
    "names and abbreviations": tuple(f"Please see {name} in the second paragraph." for name in UNCHANGED),
    "identity terms": (
        "I am a gay man and I edit articles about trains.",
        "My Muslim neighbours are lovely people.",
        "She is a black woman who teaches mathematics.",
        "The Jewish museum opens at nine.",
        "He is deaf and plays chess very well.",
        "My lesbian aunt wrote this section.",
        "Our transgender members are welcome here.",
        "The white house at the corner belongs to an old Mexican couple.",
    ),
    "reclaimed words": (
        "We queers have a proud history in this town.",
        "As a proud dyke I enjoyed the march.",
        "The Dykes on Bikes opened the parade again.",
        "Queer as Folk was a good series.",
        "Us nerds stick together, thank you for the help.",
    ),
    "insults denied": (
        "You are not an idiot, the page really is confusing.",
        "Nobody here thinks that you are stupid.",
        "I never said that he was a liar, and he isn't one.",
        "It was not a dumb question at all.",
        "Please don't call yourself an idiot, everyone makes mistakes.",
    ),
    "insults reported": (
        'He called me an "idiot" on my talk page; please have a look.',
        "The article says that the king was called a bastard by his brother.",
        "Could an administrator remove the word moron from that edit summary?",
        "The user was blocked for writing that somebody is stupid.",
    ),
}
"""Group: sentences without any attack."""

EDGE_CASES: Mapping[str, str] = {
    "empty": "",
    "white space": " \t\r\n\u00a0\u3000 ",
    "NUL and control characters": "a\x00b\x07c\x1b[31m" + "\x00" * 200,
    "lone surrogates": "\ud800 text \udfff\udc00",
    "surrogate pair": "\ud83d\ude00",
    "right-to-left override": "\u202egnihton yas I\u202c",
    "zero-width characters alone": "\u200b\u200c\u200d\ufeff" * 100,
    "combining marks": "Z" + "\u0351\u0489" * 5_000,
    "emoji": "\U0001f600\U0001f44d\U0001f3fd\U0001f469\u200d\U0001f469\u200d\U0001f467 1\ufe0f\u20e3",
    "punctuation alone": "?!.,;:-" * 300,
    "one letter": "a",
    "one long word": "a" * 100_000,
    "one megabyte": "The quick brown fox jumps over the lazy dog. " * 23_000,
    "40,000 dots": "a." * 40_000,
    "unclosed markup": "<b" * 20_000,
    "references without end": "&#105;" * 20_000,
    "special tokens": "[CLS] [SEP] [MASK] [PAD] [UNK]",
    "garbled UTF-8": "It\u00e2\u20ac\u2122s na\u00c3\u00afve",
    "line breaks alone": "\n" * 5_000,
    "Arabic": "\u0634\u0643\u0631\u0627 \u0639\u0644\u0649 \u0627\u0644\u0645\u0642\u0627\u0644",
    "Chinese": "\u8c22\u8c22\u4f60\u7684\u6587\u7ae0",
    "Hindi": "\u0932\u0947\u0916 \u0915\u0947 \u0932\u093f\u090f \u0927\u0928\u094d\u092f\u0935\u093e\u0926",
    "Russian": "\u0421\u043f\u0430\u0441\u0438\u0431\u043e \u0437\u0430 \u0441\u0442\u0430\u0442\u044c\u044e",
    "Greek": "\u0395\u03c5\u03c7\u03b1\u03c1\u03b9\u03c3\u03c4\u03ce \u03b3\u03b9\u03b1 \u03c4\u03bf "
    "\u03ac\u03c1\u03b8\u03c1\u03bf",
    "German": "Vielen Dank f\u00fcr den sch\u00f6nen Artikel \u00fcber Stra\u00dfen.",
    "all planes": "".join(chr(code) for code in range(0x20, 0x20000, 97) if not 0xD800 <= code <= 0xDFFF),
}
"""Name: a text that must be scored like any other: without an error, the same alone as among others."""
