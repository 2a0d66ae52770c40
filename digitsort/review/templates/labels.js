// What a person said of each card, and how it is kept and saved.

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

const labelOf = (card) => decided.get(card.number) ?? card.human;
const isChanged = (card) => Boolean(labelOf(card)) && labelOf(card) !== (card.label || settings.none);
const nameOf = (label) => (label === settings.none ? settings.noneWords.name : label);

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
  say("Label undone.");
  describe();
}

function lastDecision() {
  while (history.length) {
    const number = history.pop();
    if (decided.get(number)) return number;
  }
  return -1;
}

function keep() {
  try {
    if (decided.size) localStorage.setItem(settings.key, JSON.stringify([...decided]));
    else localStorage.removeItem(settings.key);
  } catch {
    trouble("This browser cannot store your labels. Save your corrections before you close the page.");
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
    if (known.has(number) && (label === "" || Object.hasOwn(settings.cells, label))) {
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
  say(`Saved ${rows.length} ${rows.length === 1 ? "row" : "rows"} to corrections.csv.`);
}
