"""Makes comments that are rehearsed at every retraining, lest a model forget what nobody reviewed.

A site reviews what was flagged, so its reviews alone teach that nearly everything is wrong, or that nearly
nothing is. These texts carry no labels: the active version's scores are their targets, as for the site's
unreviewed comments. Some are meant to be vile: a moderation model has to keep knowing them.
"""

import random

from toxicity_ml.augmentation.phrases.composing import composed

COMPOSED_SHARE = 0.7
"""Of the texts, how many come from the phrases of which the default model's counterexamples are made: groups
of people in friendly and hostile sentences, benign uses of strong words, threats without any. Remarks alone
let a retrained model forget whom it may not take for an insult."""

OPENINGS = (
    "",
    "",
    "Honestly, ",
    "Look, ",
    "To the author: ",
    "Well, ",
    "@sam ",
    "I have read this twice. ",
    "As I said yesterday, ",
    "Nobody asked me, but ",
    "lol ",
    "Sorry, ",
    "Dear all, ",
    "Oh my god, ",
)
ENDINGS = (
    "",
    "",
    ".",
    "!",
    "...",
    " Just saying.",
    " Think about it.",
    " That is all.",
    " Have a nice evening.",
    " And you know it.",
    " See the second paragraph.",
    "!!!",
    " I mean it.",
)
FRIENDLY = (
    "thank you for this, it was a pleasure to read",
    "what a beautiful photograph",
    "congratulations to the whole team",
    "this is the clearest explanation that I have found",
    "I had a lovely time at the reading last night",
    "could somebody tell me when the library opens",
    "we planted three apple trees with the children",
    "your recipe worked at the first try",
    "happy birthday, and many more",
    "I am so glad that you are well again",
    "you made my day",
    "great work, keep it up",
)
FACTUAL = (
    "the figures in the table are from 2011",
    "the bridge was closed for repairs in March",
    "there is a typo in the third line",
    "I disagree, the council voted twice on this",
    "that source does not support the claim",
    "the bus leaves at ten past eight",
    "I would rather have read more about the costs",
    "this argument leaves out the rural schools",
    "the link at the end is broken",
    "my understanding of the law is another",
    "I merged the two sections, please have a look",
    "this was reverted because it had no source",
)
HARMLESS_BUT_LOUD = (
    "this damn printer is killing me",
    "the killer in that novel was the gardener",
    "she was called an idiot at school, and it hurt her",
    "I could murder a sandwich now",
    "that was a hell of a match",
    "my dog is a stupid, lovely beast",
    "the word moron was once a medical term",
    "gay and Muslim writers were on the panel",
    "my black neighbour and his Jewish wife run the bakery",
    "holy crap, what a view",
    "I hate Mondays",
    "shoot me a message when you are back",
)
INSULTING = (
    "you are an idiot",
    "what a stupid, worthless moron you are",
    "shut up, you pathetic loser",
    "you must be the dumbest person on this site",
    "only a retard could write something like that",
    "you disgusting pig",
    "nobody likes you, you miserable clown",
    "you are a liar and a coward",
    "get a brain, you imbecile",
    "you are trash and so is your family",
    "crawl back under your rock, you troll",
    "you ignorant, arrogant little worm",
)
OBSCENE = (
    "what the fuck is wrong with you",
    "fuck off and leave us alone",
    "this is complete bullshit, you asshole",
    "go fuck yourself",
    "you piece of shit",
    "suck my dick",
    "shut the fuck up, bitch",
    "I do not give a shit about your crap",
    "you are a fucking disgrace",
    "kiss my ass, you bastard",
    "stupid cunt",
    "your fucking edits are shit",
)
THREATENING = (
    "I will kill you",
    "I am going to find you and break your legs",
    "you will be dead by tomorrow",
    "I hope that somebody shoots you",
    "we know where you live, watch your back",
    "I will burn your house down",
    "you deserve to be beaten to death",
    "say that again and I will cut your throat",
    "I will hunt you down",
    "die, and take your friends with you",
    "I will make you bleed for this",
    "you should be hanged",
)
HATEFUL = (
    "all immigrants are filth",
    "go back to your own country, you dirty foreigner",
    "gays are disgusting and should be locked up",
    "Muslims are terrorists, every one of them",
    "the Jews are behind all of it",
    "women are too stupid to vote",
    "black people are animals",
    "you filthy faggot",
    "gypsies are thieves by birth",
    "Asians should not be allowed in here",
    "fucking jew",
    "trans people are sick freaks",
)
TOXIC_KINDS = (INSULTING, OBSCENE, THREATENING, HATEFUL)
KINDS = (FRIENDLY, FACTUAL, HARMLESS_BUT_LOUD, *TOXIC_KINDS)


def texts(count: int, *, seed: int) -> list[str]:
    """Return at most `count` different texts to rehearse, of remarks and of composed phrases."""
    phrases = [text for text, _, _ in composed(round(count * COMPOSED_SHARE), seed)]
    return list(dict.fromkeys([*remarks(count - len(phrases), seed=seed), *phrases]))


def remarks(count: int, *, seed: int) -> list[str]:
    """Return at most `count` different remarks, each kind and each remark about as often as any other."""
    generator = random.Random(seed)  # noqa: S311 - a sample, not a secret
    chosen: dict[str, None] = {}
    longest = max(len(kind) for kind in KINDS)
    for _ in range(len(OPENINGS) * len(ENDINGS)):
        for index in range(longest):
            for kind in KINDS:
                if len(chosen) >= count:
                    return list(chosen)
                remark = kind[index % len(kind)]
                chosen[_sentence(generator.choice(OPENINGS), remark, generator.choice(ENDINGS))] = None
    return list(chosen)


def _sentence(opening: str, remark: str, ending: str) -> str:
    return (
        opening
        + (remark[0].upper() + remark[1:] if not opening.endswith((", ", "lol ")) else remark)
        + ending
    )
