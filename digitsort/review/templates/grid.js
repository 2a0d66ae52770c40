// Which cards are shown, where, and which of them is selected.

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
  const remark = [...new Set([card.reason, card.note])].filter(Boolean).join("; ");
  const what = card.label ? `${card.label} at ${card.confidence}` : card.status;
  const guess = remark ? `${what}: ${remark}` : what;
  byId("dock-guess").textContent = label ? `${nameOf(label)} (read as ${guess})` : guess;
  byId("dock-path").textContent = card.path;
  byId("dock-picture").hidden = !card.picture;
  if (card.picture) byId("dock-picture").src = card.picture;
  for (const button of byId("keys").querySelectorAll("[data-label]")) {
    button.setAttribute("aria-pressed", button.dataset.label === label);
  }
}
