"""Neutral sentences to stand before or after any text, so that its surroundings tell nothing of its label."""

SENTENCES: tuple[str, ...] = (
    "[I|We] read {topic} {when}",
    "[Sorry for the late reply|Just saw this|Second post today|Long-time reader, first post]",
    "[It rained|The sun was out|It snowed|There was a storm] {when}",
    "The bus to {town} [leaves|left] [at six|every ten minutes|early]",
    "{topic} is on page {number}",
    "[By the way|PS|Also], the {work} [starts|begins] on {day}",
    "[See|Compare] [the archive|the history|the older version] for {topic}",
    "[We|They] had {food} [near|behind|on] {street} {when}",
    "[I am typing|Written|Sent] from [my phone|the train|the library]",
    "[That was|It was] in {year}, [if I remember|as far as I know|in {town}]",
    "[OK|Anyway|Well], [back to {topic}|so much for {topic}|now to {topic}]",
    "My {thing} [arrived|was delivered|needs batteries|is new]",
    "[How about|What about] {topic}?",
    "[The library|The shop on {street}|The pool] is [closed|open] on {day}",
    "[Edit|Update]: [added {topic}|fixed a typo|moved {topic}]",
    "[It is|It was] about {number} [miles|pages|people|euros], [give or take|roughly|I think]",
)
HELD_OUT_SENTENCES: tuple[str, ...] = (
    "[The train was late|The lift is out of order|The clocks changed] {when}",
    "[Someone|Somebody] moved {topic} to [a page of its own|the appendix]",
    "[The {work}|The lecture] lasted {number} minutes",
    "[I|We] live [near|above] a bakery [in {town}|on {street}]",
    "[Does anybody know|Where can I read] more about {topic}?",
)
