"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const settings = JSON.parse(byId("settings").textContent);
  const cards = readCards();
  const decided = new Map(); // card number -> label, "" where an earlier one was taken back
  const history = []; // card numbers, the latest decision last
  let shown = cards; // what the filters leave
  let current = 0; // position in shown
  let columns = 1;
  let rowHeight = 1;
  const drawn = new Map(); // position in shown -> element

  const grid = byId("grid");
  const pane = byId("window");
  const filters = ["filter-label", "filter-status", "filter-done", "search"].map(byId);

  function readCards() {
    const all = [];
    for (const block of document.querySelectorAll("script.cards")) {
      for (const values of JSON.parse(block.textContent)) {
        all.push(Object.fromEntries(settings.fields.map((name, i) => [name, values[i]])));
      }
      block.remove();
    }
    return all;
  }

  // ---- labels -------------------------------------------------------------------------------

  const labelOf = (card) => decided.get(card.number) ?? card.human;
  const isChanged = (card) => Boolean(labelOf(card)) && labelOf(card) !== (card.label || settings.none);
  const nameOf = (label) => (label === settings.none ? "not a digit" : label);

  function decide(label) {
    const card = shown[current];
    if (!card || !label) return;
    decided.set(card.number, label);
    history.push(card.number);
    keep();
    refresh(card);
    say(`${nameOf(label)} set.`);
    if (current + 1 < shown.length) move(current + 1);
    else describe();
  }

  function takeBack() {
    let card = shown[current];
    if (!card || !labelOf(card)) {
      const number = lastDecision();
      const place = shown.findIndex((other) => other.number === number);
      if (place < 0) return;
      move(place);
      card = shown[place];
    }
    if (card.human) decided.set(card.number, "");
    else decided.delete(card.number);
    keep();
    refresh(card);
    say("Taken back.");
    describe();
  }

  function lastDecision() {
    while (history.length) {
      const number = history.pop();
      if (decided.get(number)) return number;
    }
    return -1;
  }

  // ---- kept in the browser ------------------------------------------------------------------

  function keep() {
    try {
      if (decided.size) localStorage.setItem(settings.key, JSON.stringify([...decided]));
      else localStorage.removeItem(settings.key);
    } catch {
      trouble("This browser keeps nothing for this page: save your corrections before you close it.");
    }
    count();
  }

  function recall() {
    let kept = null;
    try {
      kept = JSON.parse(localStorage.getItem(settings.key) ?? "[]");
    } catch {
      return;
    }
    const known = new Set(cards.map((card) => card.number));
    for (const [number, label] of kept) {
      if (known.has(number) && (label === "" || label in settings.cells)) {
        decided.set(number, label);
        history.push(number);
      }
    }
  }

  function count() {
    const done = cards.reduce((sum, card) => sum + (labelOf(card) ? 1 : 0), 0);
    byId("progress").value = done;
    byId("progress-text").textContent =
      `${done.toLocaleString("en")} of ${cards.length.toLocaleString("en")} reviewed`;
    byId("save").disabled = done === 0;
  }

  function save() {
    const rows = cards.filter(labelOf).sort((a, b) => a.number - b.number);
    const lines = rows.map((card) => `${card.line},${settings.cells[labelOf(card)]}\n`);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([settings.header, "\n", ...lines], { type: "text/csv" }));
    link.download = "corrections.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    say(`${rows.length} rows saved to corrections.csv.`);
  }

  // ---- what is shown ------------------------------------------------------------------------

  function filter() {
    const [label, status, state, text] = filters.map((input) => input.value);
    const wanted = text.trim().toLowerCase();
    const before = shown[current];
    shown = cards.filter(
      (card) =>
        (!label || (labelOf(card) || card.label) === label) &&
        (!status || card.status === status) &&
        (!state || isIn(state, card)) &&
        (!wanted || card.path.toLowerCase().includes(wanted)),
    );
    current = Math.max(0, shown.indexOf(before));
    byId("empty").hidden = shown.length > 0;
    layOut();
    move(current);
  }

  function isIn(state, card) {
    if (state === "changed") return isChanged(card);
    return Boolean(labelOf(card)) === (state === "done");
  }

  function clearFilters() {
    for (const input of filters) input.value = "";
    filter();
    grid.focus();
  }

  function layOut() {
    const style = getComputedStyle(document.documentElement);
    const gap = parseFloat(style.getPropertyValue("--gap"));
    const least = grid.clientWidth < 620 ? 138 : 158;
    columns = Math.max(1, Math.floor((grid.clientWidth + gap) / (least + gap)));
    rowHeight = parseFloat(style.getPropertyValue("--card-height")) + gap;
    pane.style.setProperty("--columns", columns);
    grid.style.height = `${Math.ceil(shown.length / columns) * rowHeight}px`;
    for (const element of drawn.values()) element.remove();
    drawn.clear();
    draw();
  }

  function draw() {
    // Only the cards in sight exist: a page of fifty thousand scrolls like one of fifty.
    const top = -grid.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(top / rowHeight) - 2) * columns;
    const last = Math.min(shown.length, (Math.ceil((top + innerHeight) / rowHeight) + 2) * columns);
    for (const [place, element] of drawn) {
      if (place < first || place >= last) {
        element.remove();
        drawn.delete(place);
      }
    }
    let next = pane.firstElementChild;
    for (let place = first; place < last; place += 1) {
      let element = drawn.get(place);
      if (!element) {
        element = cardElement(shown[place], place);
        drawn.set(place, element);
        pane.insertBefore(element, next);
      } else next = element.nextElementSibling;
    }
    pane.style.transform = `translateY(${(first / columns) * rowHeight}px)`;
  }

  function refresh(card) {
    const place = shown.indexOf(card);
    const old = drawn.get(place);
    if (!old) return;
    const element = cardElement(card, place);
    old.replaceWith(element);
    drawn.set(place, element);
  }

  function make(kind, name, text) {
    const element = document.createElement(kind);
    if (name) element.className = name;
    if (text) element.textContent = text;
    return element;
  }

  function picture(source, name, alt) {
    const image = make("img", name);
    image.src = source;
    image.alt = alt;
    image.title = alt;
    image.draggable = false;
    return image;
  }

  function cardElement(card, place) {
    const label = labelOf(card);
    const element = make("div", `card ${card.status}`);
    element.id = `card-${place}`;
    element.setAttribute("role", "option");
    element.setAttribute("aria-posinset", place + 1);
    element.setAttribute("aria-setsize", shown.length);
    element.setAttribute("aria-selected", place === current);
    element.setAttribute("aria-label", spoken(card));
    if (place === current) element.classList.add("current");
    if (label) element.classList.add(isChanged(card) ? "changed" : "done");

    const pictures = make("div", "pictures");
    if (card.picture) pictures.append(picture(card.picture, "scan", "the scan"));
    else pictures.append(make("span", "none", card.note || "no picture"));
    if (card.seen) pictures.append(picture(card.seen, "seen", "what the model saw"));
    element.append(pictures);

    const guess = make("div", "guess");
    if (label && label !== card.label && card.label) guess.append(make("span", "was", card.label));
    const name = label ? nameOf(label) : card.label || "–";
    guess.append(make("b", name.length > 3 ? "long" : "", name));
    if (card.confidence && !(label && name.length > 3)) guess.append(make("span", "sure", card.confidence));
    if (label) guess.append(make("span", "mark", isChanged(card) ? "yours" : "✓"));
    element.append(guess);

    const runnerUp = card.second ? `or ${card.second} · ${card.secondConfidence}` : "";
    element.append(make("div", "small", runnerUp || card.reason || card.status));
    const remark = [runnerUp ? card.reason : "", card.picture ? card.note : ""];
    element.append(make("div", "small", remark.filter(Boolean).join(", ")));
    element.append(make("div", "small file", fileName(card)));
    element.addEventListener("click", () => {
      move(shown.indexOf(card));
      grid.focus({ preventScroll: true });
    });
    return element;
  }

  const fileName = (card) => card.path.slice(card.path.lastIndexOf("/") + 1);

  function spoken(card) {
    const label = labelOf(card);
    const guess = card.label ? `read as ${card.label}, confidence ${card.confidence}` : card.status;
    const second = card.second ? `, or ${card.second}` : "";
    const yours = label ? `, you said ${nameOf(label)}` : "";
    return `${fileName(card)}: ${guess}${second}${card.reason ? `, ${card.reason}` : ""}${yours}`;
  }

  function move(place) {
    if (!shown.length) {
      describe();
      return;
    }
    mark(current, false);
    current = Math.min(Math.max(place, 0), shown.length - 1);
    intoSight();
    draw();
    mark(current, true);
    grid.setAttribute("aria-activedescendant", `card-${current}`);
    describe();
  }

  function mark(place, on) {
    const element = drawn.get(place);
    if (!element) return;
    element.classList.toggle("current", on);
    element.setAttribute("aria-selected", on);
  }

  function intoSight() {
    const top = grid.getBoundingClientRect().top + Math.floor(current / columns) * rowHeight;
    const upper = document.querySelector(".bar").offsetHeight + 8;
    const lower = innerHeight - byId("dock").offsetHeight - 8;
    if (top < upper && (current >= columns || top < 0)) scrollBy(0, top - upper);
    else if (top + rowHeight > lower) scrollBy(0, top + rowHeight - lower);
  }

  function describe() {
    const card = shown[current];
    byId("dock").hidden = !card;
    if (!card) return;
    const label = labelOf(card);
    const guess = card.label ? `${card.label} at ${card.confidence}` : `${card.status}: ${card.reason}`;
    byId("dock-guess").textContent = label ? `${nameOf(label)} (read as ${guess})` : guess;
    byId("dock-path").textContent = card.path;
    byId("dock-picture").hidden = !card.picture;
    if (card.picture) byId("dock-picture").src = card.picture;
    for (const button of byId("keys").querySelectorAll("[data-label]")) {
      button.setAttribute("aria-pressed", button.dataset.label === label);
    }
  }

  // ---- words --------------------------------------------------------------------------------

  function say(text) {
    byId("say").textContent = `${text} ${byId("progress-text").textContent}.`;
  }

  function trouble(text) {
    byId("trouble").textContent = text;
    byId("trouble").hidden = false;
  }

  // ---- keys, mouse, touch -------------------------------------------------------------------

  const accept = () => {
    const card = shown[current];
    if (card) decide(labelOf(card) || card.label || (card.status === "rejected" ? settings.none : ""));
  };
  const page = () => Math.max(1, Math.floor(innerHeight / rowHeight) - 1) * columns;
  const commands = {
    ArrowLeft: () => move(current - 1),
    ArrowRight: () => move(current + 1),
    ArrowUp: () => current >= columns && move(current - columns),
    ArrowDown: () => move(current + columns),
    Home: () => move(0),
    End: () => move(shown.length - 1),
    PageUp: () => move(current - page()),
    PageDown: () => move(current + page()),
    Enter: accept,
    Backspace: takeBack,
    Delete: () => decide(settings.none),
    "/": () => byId("search").focus(),
    "?": () => byId("help").showModal(),
  };

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (byId("help").open || event.target.matches("select")) return;
    if (event.target === byId("search")) {
      if (event.key === "Enter" || event.key === "Escape") grid.focus();
      return;
    }
    if (event.key === "Enter" && event.target.matches("button, summary")) return;
    const label = keyLabel(event.key);
    const command = label ? () => decide(label) : commands[event.key];
    if (!command) return;
    event.preventDefault();
    command();
  }

  function keyLabel(key) {
    if (settings.classes.includes(key)) return key;
    return key === "x" || key === "X" ? settings.none : "";
  }

  function addKey(text, title, action, label) {
    const button = make("button", text.length > 1 ? "wide" : "", text);
    button.type = "button";
    button.title = title;
    button.setAttribute("aria-label", title);
    if (label !== undefined) button.dataset.label = label;
    button.addEventListener("click", () => {
      action();
      grid.focus({ preventScroll: true });
    });
    byId("keys").append(button);
  }

  function addKeys() {
    for (const name of settings.classes) addKey(name, `It is ${name}`, () => decide(name), name);
    addKey("No digit", "Not a digit (x)", () => decide(settings.none), settings.none);
    addKey("✓", "The guess is right (Enter)", accept);
    addKey("⌫", "Take back (Backspace)", takeBack);
  }

  function addOptions() {
    const labels = new Set(cards.map((card) => labelOf(card) || card.label).filter(Boolean));
    const names = [...settings.classes, settings.none].filter((name) => labels.has(name));
    for (const name of names) filters[0].append(new Option(nameOf(name), name));
    for (const status of new Set(cards.map((card) => card.status))) {
      filters[1].append(new Option(status, status));
    }
  }

  function forget() {
    const button = byId("forget");
    if (!button.dataset.sure) {
      button.dataset.sure = "yes";
      button.textContent = "Press again to forget them all";
      return;
    }
    decided.clear();
    history.length = 0;
    keep();
    byId("help").close();
    filter();
  }

  function listen() {
    document.addEventListener("keydown", onKey);
    addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
    addEventListener("resize", layOut);
    for (const input of filters) {
      input.addEventListener(input.matches("select") ? "change" : "input", filter);
    }
    byId("save").addEventListener("click", save);
    byId("clear-filters").addEventListener("click", clearFilters);
    byId("help-button").addEventListener("click", () => byId("help").showModal());
    byId("help-close").addEventListener("click", () => byId("help").close());
    byId("forget").addEventListener("click", forget);
    byId("help").addEventListener("close", () => {
      delete byId("forget").dataset.sure;
      byId("forget").textContent = "Forget my labels";
      grid.focus({ preventScroll: true });
    });
    document.querySelector(".overview").addEventListener("toggle", draw);
  }

  recall();
  addKeys();
  addOptions();
  listen();
  layOut();
  count();
  const open = cards.findIndex((card) => !labelOf(card));
  if (cards.length) move(Math.max(0, open));
  byId("empty").hidden = cards.length > 0;
  grid.focus({ preventScroll: true });
  document.documentElement.dataset.ready = "yes";
})();
