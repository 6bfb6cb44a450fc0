"""The made-up forum of the retraining benchmarks is what its figures say it is."""

from benchmarks.community.generator import SHARES, Kind, comments, of_kinds
from benchmarks.community.measuring import share
from benchmarks.community.moderators import Moderator
from toxicity_ml.labels import JIGSAW_LABELS


def test_same_seed_writes_the_same_comments_and_another_others() -> None:
    assert comments(200, seed=1) == comments(200, seed=1)
    assert not {one.text for one in comments(200, seed=1)} & {one.text for one in comments(200, seed=2)}


def test_each_kind_has_its_share_and_its_truth() -> None:
    written = comments(20_000, seed=5)
    for kind, wanted in SHARES.items():
        assert abs(len(of_kinds(written, [kind])) / len(written) - wanted) < 0.01
    harmful = {one.kind for one in written if one.is_toxic}
    assert harmful == {Kind.ABUSE, Kind.LOCAL, Kind.CODED}
    hate = JIGSAW_LABELS.index("identity_hate")
    assert all(one.truth[hate] for one in of_kinds(written, [Kind.CODED]))
    assert 0.06 <= sum(one.is_toxic for one in written) / len(written) <= 0.10
    assert len({one.text for one in written}) > 0.95 * len(written)
    assert len({one.author for one in written}) > 100


def test_moderators_err_at_the_stated_rate() -> None:
    person = Moderator(None, {}, error_rate=0.08, seed=2)
    harmless, hateful = (False,) * 6, (True, False, False, False, False, True)
    for truth in (harmless, hateful):
        judged = [person.judged(truth) for _ in range(5000)]
        wrong = [labels for labels, _ in judged if labels != truth]
        assert 0.068 <= len(wrong) / len(judged) <= 0.092
        assert len(wrong) == sum(is_error for _, is_error in judged)
    kept = sum(any(labels) for labels in wrong)
    assert 0.2 <= kept / len(wrong) <= 0.5


def test_a_share_has_wilsons_interval() -> None:
    found = share(8, 10)
    assert (found["value"], found["count"], found["among"]) == (0.8, 8, 10)
    assert abs(found["low"] - 0.4902) < 1e-3 and abs(found["high"] - 0.9433) < 1e-3
    assert (share(0, 0)["low"], share(0, 0)["high"]) == (0.0, 1.0)
