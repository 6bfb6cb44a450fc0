"""Walks one comment after another through all that can become of it, and asserts at each step.

DJANGO_SETTINGS_MODULE=tests.uuid_site.settings SECRET_KEY=... DATABASE_URL=... python -m tests.uuid_site.walk
"""

from __future__ import annotations

import time
from io import StringIO
from typing import Any

SECONDS_TO_LOOK = 0.7
"""Nobody decides about a page faster, and such a decision is refused."""


def main() -> None:
    """Save, screen, queue, decide, retrain from, retain, delete."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.test import Client

    from moderation.models import AuditEntry, Review, Screening
    from moderation.retraining import training_data
    from tests.uuid_site.models import Member, Remark

    call_command("migrate", verbosity=0)
    author = Member.objects.create_user("author")
    moderator = Member.objects.create_superuser("moderator")
    rude = Remark.objects.create(author=author, body="You are a stupid fucking idiot.")
    kind = Remark.objects.create(author=author, body="Thank you, that was helpful.")
    doubtful = Remark.objects.create(author=author, body="Shut up, you moron, you make me sick.")
    call_command("screen_pending", stdout=StringIO())

    def screening(remark: Remark) -> Any:
        return Screening.objects.get(object_id=str(remark.pk), is_current=True)

    assert screening(rude).author_key == str(author.pk)
    assert screening(kind).verdict == "clear"
    assert {screening(rude).verdict, screening(doubtful).verdict} <= {"held", "flagged"}

    client = Client()
    client.force_login(moderator)
    queue = client.get("/admin/moderation/screening/")
    assert "stupid fucking idiot" in queue.text and str(rude.pk) in queue.text
    for remark, decision in ((rude, "uphold"), (doubtful, "false_positive")):
        row = screening(remark)
        form = _form(client, row.pk)
        time.sleep(SECONDS_TO_LOOK)
        answer = client.post(f"/admin/moderation/screening/{row.pk}/decide/", {**form, "kind": decision})
        assert answer.status_code in (200, 302), answer.status_code
    rude.refresh_from_db()
    doubtful.refresh_from_db()
    assert (rude.is_public, doubtful.is_public) == (False, True)
    assert Review.objects.filter(reviewer=moderator, reviewer_name="moderator").count() == 2
    assert AuditEntry.objects.filter(user=moderator).count() >= 2

    rows = training_data.reviewed(["toxic", "insult"])
    assert {row.text for row in rows} == {rude.body, doubtful.body}

    moderator.delete()
    assert set(Review.objects.values_list("reviewer", "reviewer_name")) == {(None, "moderator")}
    key = str(doubtful.pk)
    doubtful.delete()
    call_command("blank_texts", stdout=StringIO())
    assert not Screening.objects.filter(object_id=key).exclude(text="").exists()
    author.delete()  # and with it all remarks
    call_command("screen_pending", stdout=StringIO())
    assert not Screening.objects.exclude(text="").exists()
    assert not training_data.reviewed(["toxic", "insult"])
    print("walked")


def _form(client: Any, key: int) -> dict[str, str]:
    """The hidden fields of an item's form, as a browser would send them."""
    import re

    page = client.get(f"/admin/moderation/screening/{key}/change/").text
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
    return dict(fields)


if __name__ == "__main__":
    main()
