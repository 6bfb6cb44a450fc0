/* Deciding without leaving the page: single keys, the next item in hand, undo, what colleagues do meanwhile.
 *
 * Works on the forms that the page has: each is sent as it would be without this script, and answered in JSON.
 * Whatever fails leaves the item as it was, with a word. Reads addresses and words from #moderation-console.
 *
 * <article class="moderation-item" data-open> waits for a decision; data-held: a colleague looks at it;
 * data-current: the one that keys mean. <form data-console="decide|undo|take-over|deal">.
 */
(() => {
  "use strict";

  const LEAST_MILLISECONDS = 500;
  /* A click so soon after the one that decided, and at its place, is the second of a slow double click. */
  const SECOND_CLICK_MILLISECONDS = 1_200;
  const SECOND_CLICK_PIXELS = 24;
  const POLL_MILLISECONDS = 12_000;
  const ACTIVE_MILLISECONDS = 60_000;
  const REMEMBERED_LINES = 30;

  const page = document.getElementById("moderation-console");
  const queue = document.getElementById("queue");
  const said = document.getElementById("moderation-said");
  const help = document.getElementById("moderation-help");
  if (!page || !queue || !said || !window.fetch) return;
  const words = page.dataset;
  const hasKeys = words.keys === "on";

  /* What was done on this page, the last at the end: {item, undo}. */
  const done = [];
  /* When each item came to where it is; choosing it with the pointer or Tab changes nothing about that. */
  const shownAt = new WeakMap();
  const inHand = new Set();
  /* The latest click of a pointer, and the one that decided last: {x, y, at}. */
  let click = null;
  let decidingClick = null;
  let activeAt = performance.now();
  let isDealing = false;
  let isTokenOld = false;

  // --- items ------------------------------------------------------------------------------------

  const idOf = (item) => item.id.replace("moderation-item-", "");
  const itemOf = (id) => document.getElementById(`moderation-item-${id}`);
  const titleOf = (item) => item.querySelector("header h2")?.textContent.trim() ?? "";
  const isJudged = (item) => item.classList.contains("moderation-folded");
  const isFree = (item) => item.hasAttribute("data-open") && !item.hasAttribute("data-held") && !isJudged(item);
  const all = () => [...queue.querySelectorAll(".moderation-item")];
  const current = () => queue.querySelector(".moderation-item[data-current]");

  const say = (text) => {
    // a line that is said twice is announced twice
    said.textContent = "";
    setTimeout(() => {
      said.textContent = text;
    }, 30);
  };

  const select = (item, { focus = true } = {}) => {
    const before = current();
    if (before && before !== item) delete before.dataset.current;
    if (!item) return;
    item.dataset.current = "";
    if (focus) item.focus({ preventScroll: true });
  };

  const bringIntoSight = (item) => {
    const box = item.getBoundingClientRect();
    const isAbove = box.top < 0;
    const isBelow = box.bottom > innerHeight && box.top > innerHeight / 3;
    if (isAbove || isBelow) item.scrollIntoView({ block: "start" });
  };

  /* The one to read after `item`: below it what is in hand, else what is free, else the same above it. */
  const nextAfter = (item) => {
    const free = all().filter((other) => other !== item && isFree(other));
    const below = free.filter((other) => item.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING);
    return [below, free].flatMap((some) => [some.find((other) => inHand.has(idOf(other))), some[0]]).find(Boolean);
  };

  const isTooNew = (item) => performance.now() - (shownAt.get(item) ?? 0) < LEAST_MILLISECONDS;

  // --- folding ----------------------------------------------------------------------------------

  const fold = (item, text) => {
    const line = document.createElement("div");
    line.className = "moderation-line";
    const about = document.createElement("p");
    about.textContent = text;
    line.append(about);
    item.append(line);
    item.classList.add("moderation-folded");
    const lines = all().filter(isJudged);
    for (const old of lines.slice(0, Math.max(0, lines.length - REMEMBERED_LINES))) {
      if (!done.some((act) => act.item === old)) old.remove();
    }
    return about;
  };

  const unfold = (item) => {
    item.classList.remove("moderation-folded");
    item.querySelector(".moderation-line")?.remove();
  };

  const fragment = (html) => {
    const made = document.createElement("template");
    made.innerHTML = html;
    return made.content;
  };

  const tell = (item, answer, undo) => {
    const line = item.querySelector(".moderation-line");
    if (!line) return;
    line.querySelector("p").replaceChildren(fragment(answer.message ?? ""));
    line.querySelector("button")?.remove();
    if (undo) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = words.saysUndo;
      button.setAttribute("aria-label", `${words.saysUndo}: ${titleOf(item)}`);
      button.addEventListener("click", () => takeBack(item));
      line.append(button);
    }
  };

  /* Folds an item away and puts the next one where it stood, so that neither eye nor pointer has to move. */
  const moveOn = (item, text) => {
    const next = nextAfter(item);
    const top = item.getBoundingClientRect().top;
    fold(item, text);
    delete item.dataset.current;
    // whatever stands under the pointer now has not been read there yet
    for (const other of all()) shownAt.set(other, performance.now());
    if (!next) {
      queue.focus({ preventScroll: true });
      return;
    }
    select(next);
    scrollBy(0, next.getBoundingClientRect().top - Math.max(top, 60));
    bringIntoSight(next);
  };

  const complain = (item, text, link) => {
    item.querySelector(".moderation-failed")?.remove();
    const word = document.createElement("p");
    word.className = "moderation-failed";
    word.textContent = text;
    if (link) {
      const anchor = document.createElement("a");
      anchor.href = words.login;
      anchor.target = "_blank";
      anchor.rel = "noopener";
      anchor.textContent = words.saysLogIn;
      word.append(" ", anchor);
    }
    const bar = item.querySelector(".moderation-decision");
    if (bar) bar.before(word);
    else item.append(word);
    say(`${titleOf(item)}: ${text}`);
  };

  // --- talking to the server --------------------------------------------------------------------

  const token = () => document.querySelector('input[name="csrfmiddlewaretoken"]')?.value ?? "";

  /* After another login the token of this page is void: the page is asked for a new one. False: logged out. */
  const renewToken = async () => {
    const answer = await fetch(location.href, { credentials: "same-origin", redirect: "manual" });
    if (answer.type === "opaqueredirect") return false;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const value = fresh.querySelector('#queue input[name="csrfmiddlewaretoken"], #logout-form input')?.value;
    if (!value) return true;
    for (const field of document.querySelectorAll('input[name="csrfmiddlewaretoken"]')) field.value = value;
    isTokenOld = false;
    return true;
  };

  /* Posts a form; {status, ...answer}. status 0: not reached, 401: logged out. */
  const post = async (url, body, isRepeated = false) => {
    try {
      if (isTokenOld && !(await renewToken())) return { status: 401 };
      body.set("csrfmiddlewaretoken", token());
      const answer = await fetch(url, {
        method: "POST",
        body,
        credentials: "same-origin",
        redirect: "manual",
        headers: { Accept: "application/json" },
      });
      if (answer.type === "opaqueredirect") {
        isTokenOld = true;
        return { status: 401 };
      }
      if (answer.status === 403 && !isRepeated) {
        isTokenOld = true;
        return await post(url, body, true);
      }
      const isJson = (answer.headers.get("Content-Type") ?? "").includes("json");
      return { ...(isJson ? await answer.json() : {}), status: answer.status };
    } catch {
      return { status: 0 };
    }
  };

  const problemOf = (answer) => {
    if (answer.status === 0) return words.saysOffline;
    if (answer.status === 401) return words.saysLoggedOut;
    if (answer.status === 403) return words.saysRefused;
    return answer.text ?? words.saysFailed;
  };

  const replaced = (item, html) => {
    const fresh = fragment(html).firstElementChild;
    if (!fresh) return item;
    const isCurrent = item === current();
    const hadFocus = item.contains(document.activeElement);
    item.replaceWith(fresh);
    prepare(fresh);
    for (const act of done) if (act.item === item) act.item = fresh;
    if (isCurrent) select(fresh, { focus: hadFocus });
    return fresh;
  };

  // --- decide, skip, undo -----------------------------------------------------------------------

  const isSecondClick = () =>
    click !== null &&
    decidingClick !== null &&
    click !== decidingClick &&
    click.at - decidingClick.at < SECOND_CLICK_MILLISECONDS &&
    Math.hypot(click.x - decidingClick.x, click.y - decidingClick.y) < SECOND_CLICK_PIXELS;

  const decide = async (item, form, button) => {
    if (!isFree(item) || isTooNew(item)) return;
    if (isSecondClick()) {
      complain(item, words.saysSecondClick);
      return;
    }
    decidingClick = click;
    const body = new FormData(form, button);
    item.querySelector(".moderation-failed")?.remove();
    moveOn(item, `${titleOf(item)}: ${words.saysSending}`);
    const url = button?.hasAttribute("formaction") ? button.formAction : form.action;
    settle(item, await post(url, body));
    deal();
  };

  const settle = (item, answer) => {
    if (answer.status === 200) {
      tell(item, withTitle(item, answer), answer.undo);
      if (answer.undo) done.push({ item, undo: answer.undo });
      say(isNamed(item, answer) ? answer.text : `${titleOf(item)}: ${answer.text}`);
    } else if (answer.status === 404) {
      tell(item, { message: words.saysGone });
      say(`${titleOf(item)}: ${words.saysGone}`);
    } else if (answer.status === 409 && (answer.state === "decided" || answer.state === "gone")) {
      tell(item, answer);
      say(answer.text);
    } else {
      unfold(item);
      if (answer.state === "held") item.dataset.held = "";
      const back = answer.item ? replaced(item, answer.item) : item;
      complain(back, problemOf(answer), answer.status === 401);
      if (answer.state === "held") look();
      else if (!current() || isTooNew(current())) {
        select(back);
        bringIntoSight(back);
      }
    }
  };

  /* True: what the server says names the item already. */
  const isNamed = (item, answer) => answer.text.includes(titleOf(item));

  const withTitle = (item, answer) => {
    if (isNamed(item, answer)) return answer;
    const title = document.createElement("bdi");
    title.textContent = titleOf(item);
    return { message: `${title.outerHTML}: ${answer.message}` };
  };

  const takeBack = async (item) => {
    const place = done.findIndex((act) => act.item === item);
    const act = place < 0 ? undefined : done[place];
    if (!act || act.isRunning) return;
    act.isRunning = true;
    const body = new FormData();
    const answer = await post(act.undo, body);
    act.isRunning = false;
    if (answer.status !== 200) {
      const text = problemOf(answer);
      item.querySelector(".moderation-line p")?.replaceChildren(text);
      say(text);
      return;
    }
    done.splice(done.indexOf(act), 1);
    unfold(act.item);
    const back = answer.item ? replaced(act.item, answer.item) : act.item;
    inHand.add(idOf(back));
    select(back);
    bringIntoSight(back);
    say(answer.text);
    deal();
  };

  const takeOver = async (item, form) => {
    const answer = await post(form.action, new FormData(form));
    if (answer.status !== 200) {
      complain(item, problemOf(answer), answer.status === 401);
      return;
    }
    const mine = answer.item ? replaced(item, answer.item) : item;
    inHand.add(idOf(mine));
    select(mine);
    say(answer.text);
  };

  // --- deals, and what colleagues do ------------------------------------------------------------

  const isActive = () => !document.hidden && performance.now() - activeAt < ACTIVE_MILLISECONDS;

  const deal = async () => {
    if (isDealing || !isActive()) return;
    isDealing = true;
    try {
      const body = new FormData();
      for (const item of all().filter(isFree)) body.append("on_page", idOf(item));
      const answer = await post(words.deal, body);
      if (answer.status !== 200) return;
      inHand.clear();
      for (const { id, html } of answer.items) {
        inHand.add(String(id));
        const known = itemOf(id);
        if (html && known && !isFree(known)) replaced(known, html);
        else if (html && !known) insert(html);
      }
      showEmptiness();
      if (!current() && !isTyping(document.activeElement)) {
        const first = all().find((item) => isFree(item) && inHand.has(idOf(item)));
        // nobody who has gone to a link or a button meanwhile is taken from it
        const isFocusFree = [document.body, queue].includes(document.activeElement);
        if (first) select(first, { focus: isFocusFree });
        // behind what colleagues hold it would be out of sight
        const isFarDown = first && first.getBoundingClientRect().top > 0.7 * innerHeight;
        if (isFarDown && isFocusFree && scrollY === 0) first.scrollIntoView({ block: "start" });
      }
    } finally {
      isDealing = false;
    }
  };

  /* Before what is free and not in hand, so that items in hand stand together, in the queue's order. */
  const insert = (html) => {
    const fresh = fragment(html).firstElementChild;
    if (!fresh) return;
    const held = all().filter((item) => isFree(item) && inHand.has(idOf(item)));
    const last = held.at(-1) ?? current();
    if (last) last.after(fresh);
    else queue.append(fresh);
    prepare(fresh);
  };

  const showEmptiness = () => {
    // what is decided already, or is looked at again, is something too
    const isEmpty = all().every((item) => isJudged(item) || item.hasAttribute("data-held"));
    let word = queue.querySelector(".moderation-empty");
    if (!isEmpty) word?.remove();
    else if (!word) {
      word = document.createElement("p");
      word.className = "moderation-empty";
      word.textContent = words.saysEmpty;
      queue.append(word);
    }
  };

  const look = async () => {
    if (document.hidden) return;
    const open = all().filter((item) => item.hasAttribute("data-open") && !isJudged(item));
    if (open.length) {
      const body = new FormData();
      for (const item of open) body.append("id", idOf(item));
      if (isActive()) body.set("renew", "1");
      const answer = await post(words.states, body);
      if (answer.status === 200) {
        for (const item of open) note(item, answer.items[idOf(item)]);
        count(answer.counts);
      }
    }
    if (!all().some(isFree)) await deal();
    showEmptiness();
  };

  /* The numbers beside the lists, as they are by now; nothing is announced. */
  const count = (numbers) => {
    for (const place of document.querySelectorAll(".moderation-count[data-tab]"))
      place.textContent = numbers[place.dataset.tab] ?? place.textContent;
  };

  const note = (item, now) => {
    if (!now || isJudged(item)) return;
    item.querySelector("[data-held-by]")?.remove();
    if (now.state === "held") {
      item.dataset.held = "";
      inHand.delete(idOf(item));
      item.querySelector(".moderation-decision")?.before(fragment(now.html));
      if (item === current()) say(now.text);
      return;
    }
    delete item.dataset.held;
    if (now.state === "open") return;
    const wasCurrent = item === current();
    if (wasCurrent) moveOn(item, `${titleOf(item)}: ${now.text}`);
    else fold(item, `${titleOf(item)}: ${now.text}`);
    if (wasCurrent) say(`${titleOf(item)}: ${now.text}`);
  };

  // --- keys -------------------------------------------------------------------------------------

  const isTyping = (element) =>
    Boolean(
      element?.closest?.(
        'textarea, select, [contenteditable], input:not([type="checkbox"], [type="radio"], [type="button"], [type="submit"])',
      ),
    );

  const step = (by) => {
    const items = all().filter((item) => !isJudged(item));
    const at = items.indexOf(current());
    const to = at < 0 ? items[0] : items[Math.min(items.length - 1, Math.max(0, at + by))];
    if (!to) return;
    select(to);
    shownAt.set(to, performance.now());
    to.scrollIntoView({ block: "nearest" });
    bringIntoSight(to);
  };

  const press = (selector) => {
    const button = current()?.querySelector(selector);
    if (button) button.form.requestSubmit(button);
  };

  /* Who ticks a box and clears it again has looked at that label. */
  const touch = (box) => {
    const note = document.createElement("input");
    Object.assign(note, { type: "hidden", name: "touched", value: box.value });
    box.form.append(note);
  };

  const toggle = (digit) => {
    const item = current();
    const label = item?.querySelector(`.moderation-only[open] [data-key="${digit}"]`);
    if (label) {
      label.form.requestSubmit(label);
      return;
    }
    const more = item?.querySelector(".moderation-more[open]");
    if (more?.querySelector(".moderation-reasons")) {
      const reason = more.querySelector(`.moderation-reasons [data-key="${digit}"]`);
      reason?.form.requestSubmit(reason);
      return;
    }
    const box = item?.querySelector(`.moderation-relabel [data-key="${digit}"] input`);
    if (!box) return;
    box.checked = !box.checked;
    touch(box);
    say(`${box.closest("label").textContent.trim()}: ${box.checked ? words.saysOn : words.saysOff}`);
  };

  const open = (focused) => {
    const more = current()?.querySelector(".moderation-more");
    if (!more) return;
    more.open = true;
    more.querySelector(focused)?.focus();
  };

  const openLabels = () => {
    const labels = current()?.querySelector(".moderation-only");
    if (!labels) return;
    labels.open = true;
    labels.querySelector("button")?.focus();
  };

  /* What other parts of an item do by a key: a link or a summary that names it. */
  const keyOfPart = (key) => {
    const part = /^[a-z]$/.test(key) && current()?.querySelector(`[data-key="${key}"][data-key-name]`);
    return part ? () => part.click() : undefined;
  };

  const escape = () => {
    for (const more of current()?.querySelectorAll(":is(.moderation-more, .moderation-only)[open]") ?? []) more.open = false;
    current()?.focus({ preventScroll: true });
  };

  const KEYS = {
    u: () => press('button[value="uphold"]'),
    o: openLabels,
    f: () => press('button[value="false_positive"]'),
    r: () => press('button[value="relabel"]'),
    s: () => press(".moderation-skip"),
    h: () => open(".moderation-reasons button"),
    n: () => open('input[name="note"]'),
    z: () => (done.length ? takeBack(done.at(-1).item) : say(words.saysNothingToUndo)),
    j: () => step(1),
    k: () => step(-1),
    "/": () => document.getElementById("searchbar")?.focus(),
    "?": () => help?.showModal(),
  };
  const ONCE = new Set(["u", "f", "r", "s", "z"]);

  document.addEventListener("keydown", (event) => {
    activeAt = performance.now();
    click = null;
    if (event.isComposing || event.ctrlKey || event.altKey || event.metaKey || help?.open) return;
    if (event.key === "Escape" && queue.contains(document.activeElement)) {
      escape();
      return;
    }
    if (!hasKeys || isTyping(event.target)) return;
    const isDigit = /^[1-9]$/.test(event.key);
    const act = isDigit ? () => toggle(event.key) : (KEYS[event.key] ?? keyOfPart(event.key));
    if (!act || (event.repeat && (isDigit || ONCE.has(event.key)))) return;
    event.preventDefault();
    act();
  });

  // --- the pointer, forms, the page -------------------------------------------------------------

  document.addEventListener(
    "click",
    (event) => {
      // a button that is pressed by a key makes a click without a count
      click = event.detail ? { x: event.clientX, y: event.clientY, at: performance.now() } : null;
    },
    { capture: true },
  );

  queue.addEventListener("change", (event) => {
    if (event.target.matches(".moderation-relabel input[name=label]")) touch(event.target);
  });

  queue.addEventListener("submit", (event) => {
    const form = event.target;
    const item = form.closest(".moderation-item");
    if (!item || (form.dataset.console === "decide" && !item.hasAttribute("data-open"))) return;
    if (form.dataset.console === "decide") {
      event.preventDefault();
      decide(item, form, event.submitter);
    } else if (form.dataset.console === "take-over") {
      event.preventDefault();
      takeOver(item, form);
    } else if (form.dataset.console === "undo") {
      event.preventDefault();
      if (!done.some((act) => act.item === item)) done.push({ item, undo: form.action });
      takeBack(item);
    }
  });

  queue.addEventListener("focusin", (event) => {
    const item = event.target.closest(".moderation-item");
    if (item && !isJudged(item)) select(item, { focus: false });
  });

  for (const kind of ["pointerdown", "pointermove", "scroll"]) {
    document.addEventListener(
      kind,
      () => {
        activeAt = performance.now();
      },
      { passive: true },
    );
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    activeAt = performance.now();
    look().then(deal);
  });

  const prepare = (item) => {
    shownAt.set(item, performance.now());
  };

  for (const opener of document.querySelectorAll("[data-opens-help]")) {
    opener.hidden = !hasKeys || !help;
    opener.addEventListener("click", () => help.showModal());
  }
  for (const form of document.querySelectorAll('form[data-console="deal"]')) form.hidden = true;
  document.documentElement.classList.toggle("moderation-keys", hasKeys);
  document.documentElement.classList.add("moderation-scripted");
  for (const item of all()) prepare(item);
  deal();
  setInterval(look, POLL_MILLISECONDS);
})();
