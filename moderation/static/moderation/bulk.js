// Shows how far a decision about many has come, while it runs. Without it the page is as complete as when it was opened.
(() => {
  "use strict";
  const ID = "moderation-bulk-progress";

  async function refresh() {
    const shown = document.getElementById(ID);
    if (!shown || !shown.dataset.refresh) return;
    try {
      const answer = await fetch(window.location.href, { credentials: "same-origin" });
      if (answer.ok && !answer.redirected) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.getElementById(ID);
        if (fresh && !fresh.dataset.refresh) return window.location.reload();
        if (fresh) shown.replaceWith(fresh);
      }
    } catch {
      // the next try may reach the server
    }
    schedule();
  }

  function schedule() {
    const shown = document.getElementById(ID);
    if (shown && shown.dataset.refresh) setTimeout(refresh, Number(shown.dataset.refresh));
  }

  schedule();
})();
