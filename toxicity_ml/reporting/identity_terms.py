"""Finds the groups of people that a text names, so that a report can say whether naming one costs
points.

Neutral names alone: an insult for a group is not a mention of it. Words that mostly mean something else
(*black*, *white*, *straight*, *blind* alone) count only beside a person.
"""

import re

_PEOPLE = (
    r"(?:people|person|persons|man|men|woman|women|guys?|girls?|boys?|kids?|child(?:ren)?|folks?|students?"
    r"|americans?|community|families|family|users?)"
)

GROUPS: dict[str, str] = {
    "Muslim": r"muslims?|islam|islamic",
    "Jewish": r"jew|jews|jewish|judaism",
    "Christian": r"christians?|christianity|catholics?|catholicism|protestants?|mormons?|evangelicals?",
    "Hindu, Sikh, Buddhist": r"hindus?|hinduism|sikhs?|sikhism|buddhists?|buddhism",
    "atheist": r"atheists?|atheism|agnostics?",
    "Black": rf"blacks|african[- ]americans?|black[- ]{_PEOPLE}",
    "white": rf"whites|caucasians?|white[- ]{_PEOPLE}",
    "Asian": r"asians?|chinese|japanese|koreans?|vietnamese|filipinos?|pakistanis?|indians?",
    "Latino": r"latin[oaxe]s?|hispanics?|mexicans?|puerto ricans?|cubans?",
    "Arab, Middle Eastern": r"arabs?|arabic|iranians?|iraqis?|persians?|turks?|turkish|kurds?|kurdish"
    r"|palestinians?",
    "Israeli": r"israelis?",
    "European": r"germans?|french|british|english(?:men|man|women|woman)|irish|italians?|polish|poles|greeks?"
    r"|serbs?|serbians?|albanians?|croats?|croatians?|russians?|ukrainians?|spanish|swedish|dutch",
    "American": r"americans?",
    "Roma": r"roma|romani|romany",
    "Native": r"native americans?|indigenous|aboriginals?|first nations",
    "immigrant": r"immigrants?|migrants?|refugees?|asylum[- ]seekers?|foreigners?",
    "gay": r"gays?|homosexuals?|homosexuality|same[- ]sex",
    "lesbian": r"lesbians?",
    "bisexual, queer": r"bisexuals?|bisexuality|queer|lgbtq?\+?|lgbtqia\+?",
    "heterosexual": rf"heterosexuals?|heterosexuality|straight {_PEOPLE}",
    "transgender": rf"transgender(?:ed)?|transsexuals?|trans[- ]{_PEOPLE}|non[- ]?binary",
    "women": r"women|woman|females?|girls?|feminists?|feminism",
    "men": r"men|males?|boys?",
    "disabled": rf"disabled|disability|disabilities|deaf|wheelchair|autistic|autism|blind {_PEOPLE}",
    "mental illness": r"schizophreni[ac]|schizophrenics?|bipolar|depression|mental(?:ly)? ill(?:ness)?",
    "old": r"elderly|old people|seniors?|pensioners?",
}
"""Group: the terms that mention it, a regular expression of whole words, case ignored."""

_PATTERNS = {group: re.compile(rf"\b(?:{terms})\b", re.IGNORECASE) for group, terms in GROUPS.items()}


def mentioned(text: str) -> dict[str, list[tuple[int, int]]]:
    """The groups that the text mentions, each with the (start, end) of every term."""
    spans_by_group = {
        group: [match.span() for match in pattern.finditer(text)] for group, pattern in _PATTERNS.items()
    }
    return {group: spans for group, spans in spans_by_group.items() if spans}
