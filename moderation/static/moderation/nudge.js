/* Asks before a form is sent whether its text may hurt, and lets the author edit it or post it anyway.
 *
 * <form data-nudge-url="…" data-nudge-field="comment" data-nudge-model="app.Model"> with the template
 * moderation/nudge.html inside. Whatever fails, or takes too long, sends the form as if there were no script.
 * data-nudge-milliseconds: how long it waits, 200 by default. data-nudge-skip on a button: it sends without asking. data-nudge-aside: out of the way while the message
 * is shown.
 */
(() => {
  "use strict";

  const BUDGET_MILLISECONDS = 200;

  const watch = (form) => {
    const text = form.elements.namedItem(form.dataset.nudgeField);
    const token = form.elements.namedItem("post_anyway");
    const message = form.querySelector("[data-nudge-message]");
    const choice = form.querySelector("[data-nudge-choice]");
    const asides = form.querySelectorAll("[data-nudge-aside]");
    if (!text || !token || !message || !choice) return;
    let told = token.value ? text.value : null;
    let isAsking = false;

    const show = (says) => {
      choice.hidden = !says;
      for (const aside of asides) aside.hidden = Boolean(says);
      message.textContent = says;
      if (says) message.focus();
    };

    const ask = async () => {
      const stop = new AbortController();
      const timer = setTimeout(() => stop.abort(), Number(form.dataset.nudgeMilliseconds ?? BUDGET_MILLISECONDS));
      try {
        const answer = await fetch(form.dataset.nudgeUrl, {
          method: "POST",
          credentials: "same-origin",
          headers: {
            "Content-Type": "application/json",
            "X-CSRFToken": form.elements.namedItem("csrfmiddlewaretoken")?.value ?? "",
          },
          body: JSON.stringify({ text: text.value, model: form.dataset.nudgeModel }),
          signal: stop.signal,
        });
        return answer.ok ? await answer.json() : null;
      } catch {
        return null;
      } finally {
        clearTimeout(timer);
      }
    };

    form.addEventListener("submit", async (event) => {
      const button = event.submitter;
      if (button?.hasAttribute("data-nudge-skip") || told === text.value) return;
      event.preventDefault();
      if (isAsking) return;
      isAsking = true;
      const asked = text.value;
      const answer = await ask();
      isAsking = false;
      told = asked;
      if (answer?.nudge && text.value === asked) {
        token.value = answer.post_anyway;
        show(answer.says);
      } else {
        form.requestSubmit(button?.isConnected && !button.closest("[hidden]") ? button : undefined);
      }
    });

    form.querySelector("[data-nudge-edit]")?.addEventListener("click", (event) => {
      event.preventDefault();
      show("");
      text.focus();
    });

    if (!choice.hidden) for (const aside of asides) aside.hidden = true;
  };

  for (const form of document.querySelectorAll("form[data-nudge-url]")) watch(form);
})();
