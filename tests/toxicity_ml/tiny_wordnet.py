"""A WordNet of a dozen synsets in WordNet's own file format (wndb(5WN)), as NLTK's downloader lays it out."""

from collections import defaultdict
from pathlib import Path

SYNSETS = {
    "noun": [
        # lexicographer file, (lemma, count)..., keys of usage domains
        ("n1", 6, [("garden", 20), ("yard", 5), ("plot", 0), ("kitchen_garden", 0), ("Eden", 3)], []),
        ("n2", 4, [("garden", 1), ("tilth", 0)], []),  # rare beside the sense above
        ("n3", 10, [("ethnic_slur", 1)], []),
        ("n4", 18, [("person", 9), ("individual", 4)], []),
        ("n5", 18, [("person", 8), ("brute", 2)], ["n3"]),
    ],
    "verb": [("v1", 41, [("tend", 3), ("care", 4), ("keep", 2)], [])],
    "adj": [("a1", 0, [("quick", 5), ("fast", 2)], [])],
    "adv": [("r1", 2, [("fast", 1), ("quickly", 2)], [])],
}
LETTERS = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}
NUMBERS = {"noun": 1, "verb": 2, "adj": 3, "adv": 4}
HEADER = "  1 WordNet 3.0 Copyright 2006 by Princeton University.  All rights reserved.  \n"


def write_wordnet(nltk_data: Path) -> Path:
    """Write ``corpora/wordnet`` under the directory and return the directory."""
    directory = nltk_data / "corpora" / "wordnet"
    directory.mkdir(parents=True)
    counts: list[str] = []
    for part, synsets in SYNSETS.items():
        offsets: dict[str, int] = {}
        for _ in range(2):  # once for where each line starts, once more with the pointers right
            lines, at = [], len(HEADER)
            for key, file, lemmas, domains in synsets:
                offsets[key] = at
                lines.append(_data_line(at, file, part, lemmas, [offsets.get(name, 0) for name in domains]))
                at += len(lines[-1])
        (directory / f"data.{part}").write_text(HEADER + "".join(lines), encoding="ascii")
        index: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for key, file, lemmas, _ in synsets:
            for lemma, count in lemmas:
                index[lemma.lower()].append((-count, offsets[key]))
                if count:
                    counts.append(f"{lemma.lower()}%{NUMBERS[part]}:{file:02d}:00:: 1 {count}\n")
        (directory / f"index.{part}").write_text(
            HEADER + "".join(_index_line(word, part, senses) for word, senses in sorted(index.items())),
            encoding="ascii",
        )
        (directory / f"{part}.exc").write_text({"verb": "kept keep\n"}.get(part, ""), encoding="ascii")
    (directory / "cntlist.rev").write_text("".join(sorted(counts)), encoding="ascii")
    (directory / "index.sense").write_text("", encoding="ascii")
    parts = ["adj", "adj", "adv", *["noun"] * 26, *["verb"] * 15, "adj"]
    lexnames = [f"{number:02d}\t{part}.file{number}\t{NUMBERS[part]}\n" for number, part in enumerate(parts)]
    (directory / "lexnames").write_text("".join(lexnames), encoding="ascii")
    return nltk_data


def _data_line(offset: int, file: int, part: str, lemmas: list[tuple[str, int]], domains: list[int]) -> str:
    words = " ".join(f"{lemma} 0" for lemma, _ in lemmas)
    pointers = "".join(f" ;u {domain:08d} n 0000" for domain in domains)
    frames = " 01 + 02 00" if part == "verb" else ""
    head = f"{offset:08d} {file:02d} {LETTERS[part]} {len(lemmas):02x} {words}"
    return f"{head} {len(domains):03d}{pointers}{frames} | a gloss  \n"


def _index_line(word: str, part: str, senses: list[tuple[int, int]]) -> str:
    offsets = " ".join(f"{offset:08d}" for _, offset in sorted(senses))
    return f"{word} {LETTERS[part]} {len(senses)} 0 {len(senses)} {len(senses)} {offsets}  \n"
