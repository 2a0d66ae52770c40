// A tile, and the loupe that shows the selected scan large.

function make(kind, name, text) {
  const element = document.createElement(kind);
  if (name) element.className = name;
  if (text) element.textContent = text;
  return element;
}

function tile(card, place) {
  const label = labelOf(card);
  const element = make("div", `tile ${card.status}`);
  element.id = `card-${place}`;
  element.dataset.place = place;
  element.dataset.name = fileName(card);
  element.setAttribute("role", "option");
  element.setAttribute("aria-posinset", place + 1);
  element.setAttribute("aria-setsize", shown.length);
  element.setAttribute("aria-selected", isSelected(place));
  element.setAttribute("aria-label", spoken(card));
  if (place === current) element.classList.add("current");
  if (label) element.classList.add(kindOf(card));
  if (card.picture) {
    const image = make("img");
    image.src = card.picture;
    image.alt = "";
    image.draggable = false;
    element.append(image);
  } else element.append(corner("none", card.note || "no image"));
  element.append(corner("read", card.label || "–"));
  if (label) element.append(corner("tag", tagOf(card, label)));
  else if (card.hint && card.hint !== card.label) element.append(corner("hint", `${card.hint}?`));
  return element;
}

// The style sheet shows the text. Screen readers get all of it from the accessible name of the tile.
function corner(name, text) {
  const element = make("span", name);
  element.dataset.text = text;
  return element;
}

function kindOf(card) {
  if (isUnclear(card)) return "unclear";
  return isChanged(card) ? "changed" : "done";
}

function tagOf(card, label) {
  if (isUnclear(card)) return "?";
  if (!isChanged(card)) return "✓";
  return label === settings.none ? "✗" : label;
}

const fileName = (card) => card.path.slice(card.path.lastIndexOf("/") + 1);

function spoken(card) {
  const label = labelOf(card);
  const guess = card.label ? `read as ${card.label}, confidence ${card.confidence}` : "not read";
  const second = card.second ? `, or ${card.second}` : "";
  const hint = card.hint && card.hint !== card.label ? `, like ${card.hint}` : "";
  const missing = card.picture ? "" : `, ${card.note || "no image"}`;
  const yours = label ? `you said ${nameOf(label)}, ` : "";
  return `${yours}${guess}${second}${hint}, ${statusOf(card)}${card.reason ? `, ${card.reason}` : ""}${missing}: ${fileName(card)}`;
}

function percent(share) {
  if (share >= 0.9995) return "over 99.9 %";
  return `${(100 * share).toFixed(share > 0.995 ? 1 : 0)} %`;
}

const STATUS_WORDS = { ok: "accepted", uncertain: "doubtful", error: "unreadable" };
const statusOf = (card) => STATUS_WORDS[card.status] ?? card.status;

function describe() {
  const card = shown[current];
  byId("loupe").hidden = !card;
  if (!card) return;
  const label = labelOf(card);
  const chosen = selection().length;
  byId("loupe-guess").textContent = label
    ? `${nameOf(label)} ${isChanged(card) ? "(your label)" : "(confirmed)"}`
    : nameOf(guessOf(card)) || statusOf(card);
  byId("loupe-many").textContent = chosen > 1 ? `${plural(chosen, "scan")} selected` : "";
  const guesses = [card.label && card.confidence ? `${card.label}: ${percent(card.confidence)}` : ""];
  if (card.second && card.secondConfidence >= 0.005) guesses.push(`${card.second}: ${percent(card.secondConfidence)}`);
  byId("loupe-odds").textContent = guesses.filter(Boolean).join(" · ");
  byId("loupe-hint").textContent = card.hint ? `Looks like scans accepted as ${card.hint}` : "";
  byId("loupe-hint").classList.toggle("other", card.hint !== card.label);
  byId("loupe-why").textContent = [
    ...new Set([statusOf(card), card.reason, card.picture ? card.note : ""]),
  ].filter(Boolean).join(" · ");
  byId("loupe-path").textContent = card.path;
  setPicture("loupe-ink", card.picture, "the ink");
  setPicture("loupe-seen", card.seen, "what the model saw");
  setPicture("loupe-whole", card.whole, "the whole scan; the box marks the ink");
  byId("loupe-note").textContent = card.picture ? "" : card.note || "no image";
  if (card.whole) markBox(card.box);
  for (const button of byId("keys").querySelectorAll("[data-label]")) {
    button.setAttribute("aria-pressed", button.dataset.label === label);
  }
}

function setPicture(id, source, alt) {
  byId(id).closest("figure, .view").hidden = !source;
  if (!source) return;
  byId(id).src = source;
  byId(id).alt = alt;
}

function markBox(box) {
  const [left, top, width, height] = box.map((n) => `${n / 10}%`);
  Object.assign(byId("loupe-box").style, { left, top, width, height });
}
