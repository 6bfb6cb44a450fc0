"""axe-core finds nothing wrong of ours on any page of moderators and visitors.

At two widths, in light and in dark, in forced colours, in German. No page logs an error, which a breach of
the site's strict policy would.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.clients import node
from tests.e2e.running_site import PASSWORD, SQUARE, USERNAME, RunningSite

pytestmark = pytest.mark.browser
MODERATION = {"BLIND_SHARE": 0, "AUDIT_RATE": 1}
AXE = node.FOLDER / "node_modules" / "axe-core" / "axe.min.js"
TEXTS = (
    "You are a fucking idiot, shut up you stupid piece of shit.",
    "I will find you and kill you, you worthless bitch. You are going to die.",
    "What a moron. \u202eeman ym\u202c",
)
DECIDED = 36
"""Harmless comments and as many insults on which somebody has decided, so that there are curves."""
OF_THE_ADMIN = {
    "label-title-only": "#searchbar",
    "link-in-text-block": "",
    "landmark-one-main": "",
    "region": "",
}
"""Rules that pages of Django's own break, and where: "" is anywhere."""
ITEM = "/admin/moderation/screening/{item}/"
PAGES = {
    "index": "/admin/",
    "queue": "/admin/moderation/screening/",
    "decided": "/admin/moderation/screening/?state=decided",
    "nothing": "/admin/moderation/screening/?q=Hanne",
    "item": ITEM + "change/",
    "author": ITEM + "author/",
    "preferences": "/admin/moderation/screening/preferences/",
    "bulk decisions": "/admin/moderation/screening/bulk/",
    "dashboard": "/admin/moderation/storedfigures/",
    "policies": "/admin/moderation/policy/",
    "thresholds": "/admin/moderation/policy/add/",
    "apply": "/admin/moderation/policy/apply/",
    "reviews": "/admin/moderation/review/",
    "audit": "/admin/moderation/auditentry/",
    "versions": "/admin/moderation/modelversion/",
    "version": "/admin/moderation/modelversion/1/change/",
    "versions compared": "/admin/moderation/modelversion/compare/",
    "training runs": "/admin/moderation/trainingrun/",
    "training run": "/admin/moderation/trainingrun/1/change/",
    "report": "/admin/moderation/trainingrun/1/report/",
    "contradictions": "/admin/moderation/contradiction/",
    "shadow trials": "/admin/moderation/shadowtrial/",
    "shadow trial": "/admin/moderation/shadowtrial/1/change/",
}
CHECK = """async () => {
    // forced colours are the visitor's own, and the checker takes those of the page for them
    const hasOwnColours = !matchMedia("(forced-colors: active)").matches;
    const rules = {"color-contrast": {enabled: hasOwnColours}};
    const result = await axe.run(document, {resultTypes: ["violations"], rules});
    return result.violations.map(({id, help, nodes}) =>
        ({id, help, nodes: nodes.map(({html, target}) =>
            ({html: html.slice(0, 200), target: String(target)}))}));
}"""
DECIDE = """
from django.contrib.auth.models import User
from moderation.models import Screening
from moderation.review.decisions import decide
from moderation.versions.active import find_active
from moderation.worker import figures
reviewer = User.objects.get()
for row in Screening.objects.filter(author_name="Decided", outcome=""):
    is_bad = "idiot" in row.text
    labels = {label: is_bad and label in ("toxic", "insult") for label in find_active().labels}
    decide(row.pk, reviewer=reviewer, kind="relabel", labels=labels)
figures.refresh()
"""
RETRAINING = """
from django.utils import timezone
from moderation.models import Contradiction, Review, Screening, ShadowTrial, TrainingRun
from moderation.retraining.gate.verdict import Guard, Verdict
from moderation.versions.active import find_active
version = find_active()
guards = (
    Guard("false_positives", 53.2, 9.1, 2.0, True, 120, -60.0, -30.0, higher_is_better=False),
    Guard("identity", 0.03, 0.16, 0.02, False, 200, higher_is_better=False),
    Guard("flag_rate", 0.07, 0.03, 0.25, False, 1000, is_ratio=True),
    Guard("average_precision_base", None, None, 0.005, True),
)
verdict = Verdict("not_better", ("guard:identity",), guards, True, 3, 0.01, 0.0004, 0.002)
change = {"label": "toxic", "old": 0.12, "new": 0.91, "was": "clear", "will_be": "flagged"}
rows = Screening.objects.filter(author_name="Decided")[:3]
changes = [{"screening": row.pk, **change} for row in rows]
interval = {"value": 0.65, "low": 0.53, "high": 0.75}
quality = {"any": {"precision": interval, "recall": interval}}
test = {"items": 120, "random_items": 43, "old_loss": 0.05, "new_loss": 0.04, "difference": -0.01}
run = TrainingRun.objects.create(
    pk=1, status="done", result="not_better", parent=version, finished=timezone.now()
)
run.comparison = {
    "test": test | {"low": -0.02, "high": 0.001, "old_errors": 0.1, "new_errors": 0.08},
    "verdict": verdict.as_dict(),
    "figures": {"old": quality, "new": quality},
    "changes": {"comments": 1000, "up": changes, "down": []},
}
run.save()
step = {"stage": "training", "step": 1, "steps": 9}
TrainingRun.objects.create(pk=2, status="running", parent=version, progress=step)
one, other = Review.objects.filter(kind="decision")[:2]
Contradiction.objects.create(kind="near_text", key="near", review=one, other=other)
Contradiction.objects.create(kind="unlikely", key="unlikely", review=one, probability=0.04)
cells = {"both": 40, "active": 9, "candidate": 3, "neither": 900}
counts = {"flagged": cells, "held": cells, "labels": {label: cells for label in version.labels}}
ShadowTrial.objects.create(
    pk=1, candidate=version, beside=version, budget=0.2, draw_rate=0.5, counts=counts, status="ended"
)
"""
VISITORS = """
from django_comments.models import Comment
from moderation.models import Screening
from moderation.visitors import links
shown = Comment.objects.filter(is_public=True).first()
answered = Screening.objects.filter(outcome="hide", second_look=None, author_name="Decided").first()
hidden = Comment.objects.get(pk=answered.object_id)
print(links.report_url(shown), links.second_look_url(hidden))
"""
posted = count(1)
"""A text that somebody posts again is not posted."""
LOOKS: dict[str, dict[str, Any]] = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}},
    "forced colours": {"forced_colors": "active"},
    "German": {"locale": "de-DE"},
    "German phone": {"locale": "de-DE", "viewport": {"width": 390, "height": 844}},
}


COMPLAINTS: dict[Page, list[str]] = {}
"""What each page has logged as an error."""


@pytest.fixture(scope="module")
def item(site: RunningSite) -> int:
    """Comments stand in the queue, and others are decided; the id of one that is open."""
    if not AXE.exists():
        message = "axe-core is not there; `python -m tests.clients.node --install` tries to get it"
        if node.is_required():
            pytest.fail(message)
        pytest.skip(message)
    for number in range(DECIDED):
        site.post(f"What a lovely soup, number {number}, thank you.", name="Decided")
        site.post(f"You are an idiot, number {number}, and a fool.", name="Decided")
    ids = []
    for text in TEXTS:
        site.post(text, name="Old Tom")
        ids.append(site.screening_of(text)["id"])
    pending = "SELECT 1 FROM moderation_screening WHERE status = 'pending'"
    site.wait_for(lambda: not site.rows(pending), "all of them to be screened")
    site.manage("shell", "--command", DECIDE)
    site.manage("shell", "--command", RETRAINING)
    return int(ids[0])


@pytest.fixture(params=LOOKS)
def visitor(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A page of somebody who is not logged in."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **LOOKS[request.param]})
    page = context.new_page()
    complaints = COMPLAINTS[page] = []
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert COMPLAINTS.pop(page) == []


@pytest.fixture
def moderator(visitor: Page, site: RunningSite) -> Page:
    """A page of a moderator who is logged in."""
    visitor.goto(f"{site.url}/admin/login/?next=/admin/")
    visitor.locator("#id_username").fill(USERNAME)
    visitor.locator("#id_password").fill(PASSWORD)
    visitor.locator("[type=submit]").click()
    return visitor


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong, but for what pages of Django's admin have themselves."""
    of_the_site = list(COMPLAINTS[page])
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = page.evaluate(CHECK)
    COMPLAINTS[page][:] = of_the_site  # the checker makes styles of its own, which the policy blocks
    return [
        f"{each['id']}: {each['help']}: {node_['target']} {node_['html']}"
        for each in found
        for node_ in each["nodes"]
        if not (each["id"] in OF_THE_ADMIN and OF_THE_ADMIN[each["id"]] in node_["target"])
    ]


def faults(page: Page) -> list[str]:
    """What axe-core finds wrong, and by how much the page is too wide."""
    width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return violations(page) + ([f"{width} px too wide"] if width > 0 else [])


def test_no_page_breaks_a_rule(moderator: Page, site: RunningSite, item: int) -> None:
    broken = {}
    for name, path in PAGES.items():
        moderator.goto(f"{site.url}{path.format(item=item)}")
        broken[name] = faults(moderator)
    assert {name: wrong for name, wrong in broken.items() if wrong} == {}


def test_a_preview_of_thresholds_and_its_curves_break_no_rule(
    moderator: Page, site: RunningSite, item: int
) -> None:
    moderator.goto(f"{site.url}/admin/moderation/policy/add/")
    slider = moderator.locator("[data-policy-curve]").first.locator("input[type=range]")
    slider.focus()
    slider.press("ArrowRight")
    moderator.locator("[data-policy-curve] summary").first.click()
    moderator.locator("[name=flag_toxic]").fill("0")
    moderator.locator("input[name=_preview]").click()
    expect(moderator.locator("#preview")).to_be_visible()
    assert faults(moderator) == []


def test_a_decision_about_many_breaks_no_rule_before_and_after(
    moderator: Page, site: RunningSite, item: int
) -> None:
    moderator.goto(f"{site.url}/admin/moderation/screening/?author=Old+Tom")
    moderator.locator("[name=whole_list]").click()
    uphold = moderator.locator("[name=decision][value=uphold]")
    expect(uphold).to_be_visible()
    assert faults(moderator) == []
    uphold.click()
    expect(moderator.locator("#content-main.moderation-bulk")).to_be_visible()
    expect(uphold).to_have_count(0)
    assert faults(moderator) == []
    moderator.get_by_role("button", name=re.compile("Take all of it back|zurücknehmen")).click()
    expect(moderator.locator(".moderation-bulk form")).to_have_count(0)
    assert faults(moderator) == []


def test_the_pages_of_visitors_break_no_rule(visitor: Page, site: RunningSite, item: int) -> None:
    broken = {}
    addresses = site.manage("shell", "--verbosity", "0", "--command", VISITORS).stdout.split()
    assert len(addresses) == 2
    for path in addresses:
        visitor.goto(f"{site.url}{path}")
        expect(visitor.locator("main h1")).to_be_visible()
        broken[path] = faults(visitor)
        visitor.locator("main form button").first.click()
        broken[f"{path} answered"] = faults(visitor)
    visitor.goto(f"{site.url}/articles/{SQUARE}/")
    text = f"{TEXTS[0]} For the time number {next(posted)}."
    visitor.locator("#id_comment").fill(text)
    visitor.locator("[name=post]").click()
    site.wait_for(lambda: not site.screening_of(text)["is_public"], "the comment to be hidden")
    visitor.goto(f"{site.url}/articles/{SQUARE}/")
    expect(visitor.locator(".own-comments")).to_be_visible()
    broken["notice"] = faults(visitor)
    assert {name: wrong for name, wrong in broken.items() if wrong} == {}


def test_the_checker_finds_what_is_wrong(moderator: Page, site: RunningSite, item: int) -> None:
    moderator.goto(f"{site.url}/admin/moderation/policy/add/")
    moderator.evaluate("document.querySelector('#policy-model').labels[0].remove()")
    assert any(each.startswith("select-name") for each in violations(moderator))
