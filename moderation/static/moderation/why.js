// Asks for an item's text with the words marked that drove a score, or with its swear words, without a new
// page; and looks now and then whether it is time for a break. Everything works without it, too.
"use strict";

(() => {
    const BREAK_MILLISECONDS = 60_000;

    /** Put what the server answers for a link in the place of the item's text, and the focus where it was. */
    async function ask(link) {
        const shown = link.closest(".moderation-shown");
        const address = shown?.dataset.url;
        if (!address || shown.getAttribute("aria-busy") === "true") {
            return;
        }
        const query = new URLSearchParams(link.dataset.ask);
        if (shown.dataset.part) {
            query.set("part", shown.dataset.part);
        }
        shown.setAttribute("aria-busy", "true");
        try {
            const answer = await fetch(`${address}?${query}`, { credentials: "same-origin" });
            if (!answer.ok || answer.redirected) {
                window.location.assign(link.href);
                return;
            }
            const page = new DOMParser().parseFromString(await answer.text(), "text/html");
            const fresh = page.querySelector(".moderation-shown");
            const hadFocus = shown.contains(document.activeElement);
            shown.replaceWith(fresh);
            announce(fresh);
            if (hadFocus) {
                const again = fresh.querySelector(`[data-ask="${CSS.escape(link.dataset.ask)}"]`);
                (again ?? fresh.querySelector("[data-ask]"))?.focus();
            }
        } catch {
            window.location.assign(link.href);
        } finally {
            shown.removeAttribute("aria-busy");
        }
    }

    /** Let screen readers hear what was marked. */
    function announce(shown) {
        const place = document.querySelector("[data-why-status]");
        const said = shown.querySelector(".moderation-answer");
        if (place && said) {
            place.textContent = said.textContent;
        }
    }

    /** Ask for the word about a break, and show it where it is new. */
    async function lookForABreak(place) {
        if (document.hidden || place.contains(document.activeElement)) {
            return;
        }
        try {
            const answer = await fetch(place.dataset.url, { credentials: "same-origin" });
            const text = answer.ok && !answer.redirected ? (await answer.text()).trim() : "";
            if (Boolean(text) !== Boolean(place.textContent.trim())) {
                place.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.childNodes);
            }
        } catch {
            // the next look may reach the server again
        }
    }

    /** Take a break's "Not now" without a new page. */
    async function putOff(form) {
        const answer = await fetch(form.action, {
            method: "POST",
            body: new FormData(form),
            credentials: "same-origin",
            headers: { "X-Requested-With": "fetch" },
        });
        if (answer.ok) {
            form.remove();
        }
    }

    document.addEventListener("click", (event) => {
        const link = event.target.closest?.("a[data-ask]");
        if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) {
            event.preventDefault();
            ask(link);
        }
    });

    document.addEventListener("submit", (event) => {
        if (event.target.matches?.(".moderation-break-notice")) {
            event.preventDefault();
            putOff(event.target);
        }
    });

    document.addEventListener("DOMContentLoaded", () => {
        const place = document.querySelector(".moderation-break[data-url]");
        if (place) {
            window.setInterval(lookForABreak, BREAK_MILLISECONDS, place);
        }
    });
})();
