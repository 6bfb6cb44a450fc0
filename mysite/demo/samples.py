"""The comments that the demo posts, written for it, and what should become of them."""

from typing import Literal, NamedTuple

Expectation = Literal["clear", "toxic", "open"]


class Sample(NamedTuple):
    """One comment; `expected` is "open" where people, too, would judge differently."""

    kind: str
    article: str
    name: str
    text: str
    expected: Expectation


SQUARE = "market-square-without-cars"
LADDERS = "the-library-that-lends-ladders"
SWIFTS = "how-to-listen-to-swifts"
SOUP = "in-defence-of-boring-soup"

SAMPLES = (
    Sample(
        "friendly",
        SOUP,
        "Hanne",
        "Thank you for this! I made it tonight and all three children asked for more.",
        "clear",
    ),
    Sample(
        "friendly",
        SWIFTS,
        "Devi",
        "What a lovely piece. I stood on the balcony for an hour yesterday and heard the first ones.",
        "clear",
    ),
    Sample(
        "critical, civil",
        SQUARE,
        "R. Baumann",
        "I disagree with nearly everything here. The detour costs my customers ten minutes, and the"
        " article brushes that aside in half a sentence.",
        "clear",
    ),
    Sample(
        "neutral",
        SQUARE,
        "Line4Rider",
        "Does anyone know when the bus goes back to its winter timetable?",
        "clear",
    ),
    Sample(
        "the same author, civil",
        LADDERS,
        "truthteller",
        "How long may one keep a ladder? Two days would be enough for me.",
        "clear",
    ),
    Sample(
        "insulting",
        SQUARE,
        "truthteller",
        "You are an idiot and nobody wants to read your stupid opinions.",
        "toxic",
    ),
    Sample(
        "the same author, insulting again",
        SOUP,
        "truthteller",
        "Only an idiot would cook this. What a stupid, pathetic moron wrote it?",
        "toxic",
    ),
    Sample(
        "obscene",
        SQUARE,
        "parkplatz_jetzt",
        "What a load of bullshit. Shove your bicycle up your ass, you piece of shit.",
        "toxic",
    ),
    Sample(
        "threat",
        SQUARE,
        "nightwatch",
        "I know where you live. I am going to find you and I will kill you.",
        "toxic",
    ),
    Sample(
        "identity attack",
        LADDERS,
        "oldtown",
        "All these filthy foreigners are animals. Muslims are disgusting scum and should be thrown "
        "out of our town.",
        "toxic",
    ),
    Sample(
        "long",
        LADDERS,
        "Wendeline",
        "We started something like this in our village eight years ago, and perhaps our mistakes "
        "are of use to others. The first winter we had no list at all, only a key under a flower "
        "pot. Everything came back, but nobody knew from where, and in March we owned three left "
        "halves of extension ladders. The second year we had a list, and a quarrel about the list. "
        "Since then there is a book with a pencil on a string, and an evening in November when we "
        "read it aloud. You learn a lot about a village that way: who borrows a wallpaper table "
        "four times and never wallpapers, who brings the hedge trimmer back sharpened. The carpet "
        "cleaner is our most wanted thing as well. My advice would be to buy two, and to let the "
        "second one live with somebody who is at home in the evenings. And do keep the bagpipes. "
        "Ours went to the school in the end, where they are loved, at a distance. Warm greetings "
        "from the other side of the hill!",
        "clear",
    ),
    Sample(
        "emoji",
        SWIFTS,
        "Jun",
        "🐦🐦🐦 😍👏 🌇",
        "clear",
    ),
    Sample(
        "HTML",
        SOUP,
        "<b>Bobby</b>",
        "<script>alert('soup')</script> Does the <i>leek</i> go in before the potato, or together with it?",
        "clear",
    ),
    Sample(
        "obfuscated",
        SOUP,
        "x_x",
        "y0u are such a st*pid 1diot, sh.ut the f*ck up",
        "toxic",
    ),
    Sample(
        "figure of speech",
        SOUP,
        "Grandson",
        "I would kill for a bowl of this right now. Damn, my grandmother's was good.",
        "open",
    ),
    Sample(
        "not in English",
        SWIFTS,
        "Anselm",
        "Danke für den schönen Text! Bei uns am Kirchturm nisten sie seit vierzig Jahren.",
        "clear",
    ),
)
