"""What a request to `classify/` costs at most: CPU seconds of texts as large as the default limits allow.

One core, as in a web process. The texts are of kinds that make much work: noise, look-alike letters and
marks in every word, spaced letters, scripts that take a token for each character; in one long text and in
many short ones, with as many characters in all as CLASSIFY_MAX_CHARACTERS lets in.

    python benchmarks/classify_cost.py [--characters 50000] [--json]
"""

import argparse
import json
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

KINDS = {
    "noise": "aeioubcdfghjkl ,.!?",
    "look-alikes": "а@1!|$3ёщ.*-_0ïḯ",  # noqa: RUF001
    "spaced": "i d i o t ",
    "ideographs": "你是个白痴",
}
LONGEST = 20_000
"""Of a longer text only the two ends are read."""


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--characters", type=int, default=50_000, help="in all texts together")
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")
    given = parser.parse_args()
    seconds = measure(given.characters)
    if given.json:
        print(json.dumps({"characters": given.characters, "cpu_seconds": seconds}, indent=2))
        return
    for name, value in seconds.items():
        print(f"{name:28} {value:6.2f} s of CPU")


def measure(characters: int) -> dict[str, float]:
    """{kind of text and how many of them: CPU seconds}."""
    from toxicity_ml.classifier import Classifier

    classifier = Classifier.load(threads=1)
    chance = random.Random(1)
    seconds: dict[str, float] = {}
    for name, alphabet in KINDS.items():
        for length in (LONGEST, 2000, max(1, characters // 100)):
            count = max(1, characters // length)
            texts = [
                (alphabet * (length // len(alphabet) + 1))[:length]
                if name in ("spaced", "ideographs")
                else "".join(chance.choices(alphabet, k=length))
                for _ in range(count)
            ]
            start = time.process_time()
            classifier.predict(texts)
            seconds[f"{name}, {count} x {length}"] = round(time.process_time() - start, 2)
    return seconds


if __name__ == "__main__":
    main()
