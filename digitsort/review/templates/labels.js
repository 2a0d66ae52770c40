// What a person said of each card, undo and redo, and what the browser keeps.

const byId = (id) => document.getElementById(id);
const settings = JSON.parse(byId("settings").textContent);
const cards = readCards();
const queues = readQueues();
const decided = new Map(); // card number -> label, "" where an earlier one was taken back
const saved = new Map(); // the same, as it was last written to a file
const past = []; // steps, each a list of [card, label before, label after]
const future = []; // steps that were undone
let open = cards.length; // cards without a label
let unsaved = 0; // cards whose label differs from the saved one
let isKept = true; // the browser's store has all of `decided`
let keeping = 0;

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

function readQueues() {
  const found = JSON.parse(byId("queue-data").textContent);
  for (const [place, hint] of found.hints) cards[place].hint = hint;
  return found.queues.map(({ title, places }) => {
    const queue = { title, cards: places.map((place) => cards[place]), open: places.length };
    for (const card of queue.cards) card.queue = queue;
    return queue;
  });
}

const labelOf = (card) => decided.get(card.number) ?? card.human;
const savedLabelOf = (card) => saved.get(card.number) ?? card.human;
const guessOf = (card) => card.label || (card.status === "rejected" ? settings.none : "");
const isChanged = (card) => Boolean(labelOf(card)) && labelOf(card) !== (card.label || settings.none);
const isUnclear = (card) => labelOf(card) === settings.unclear;
function nameOf(label) {
  if (label === settings.unclear) return "can't tell";
  return label === settings.none ? settings.noneWords.name : label;
}

const plural = (n, what) => `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;

function setLabel(card, label) {
  addToCounts(card, -1);
  if (label === undefined) decided.delete(card.number);
  else decided.set(card.number, label);
  addToCounts(card, 1);
  refresh(card);
}

function addToCounts(card, sign) {
  if (!labelOf(card)) {
    open += sign;
    card.queue.open += sign;
  }
  if (labelOf(card) !== savedLabelOf(card)) unsaved += sign;
}

function recount() {
  open = unsaved = 0;
  for (const queue of queues) queue.open = 0;
  for (const card of cards) addToCounts(card, 1);
}

// A step gives some cards a label each; one press undoes all of it.
function take(labels) {
  const step = labels.map(([card, label]) => [card, decided.get(card.number), label]);
  for (const [card, , label] of step) setLabel(card, label);
  past.push(step);
  future.length = 0;
  keep();
}

function undo() {
  turnBack(past, future, 1, "Undid", "There is nothing to undo.");
}

function redo() {
  turnBack(future, past, 2, "Redid", "There is nothing to redo.");
}

function turnBack(from, to, side, done, nothing) {
  const step = from.pop();
  if (!step) {
    tell(nothing);
    return;
  }
  for (const change of step) setLabel(change[0], change[side]);
  to.push(step);
  keep();
  goTo(step[0][0]);
  say(`${done} ${plural(step.length, "label")}.`);
}

function keep() {
  isKept = false;
  clearTimeout(keeping);
  keeping = setTimeout(store, 200);
  count();
  saveSoon();
}

function store() {
  if (isKept) return;
  isKept = true;
  try {
    if (decided.size || saved.size) localStorage.setItem(settings.key, JSON.stringify(kept()));
    else localStorage.removeItem(settings.key);
  } catch {
    trouble("This browser cannot store your labels. Save your corrections before you close the page.");
  }
}

function kept() {
  const differing = cards.filter((card) => labelOf(card) !== savedLabelOf(card));
  return { labels: [...decided], unsaved: differing.map((card) => card.number), file: savedFile };
}

const isNumber = (label) => /^[0-9]+$/.test(label) && label.length <= settings.numberDigits;
const cellOf = (label) => (isNumber(label) ? label : settings.cells[label]);

function recall() {
  let found = null;
  try {
    found = JSON.parse(localStorage.getItem(settings.key) ?? "{}");
  } catch {
    return;
  }
  const known = new Set(cards.map((card) => card.number));
  const differing = new Set(found.unsaved);
  if (typeof found.file?.name === "string") savedFile = found.file;
  for (const [number, label] of found.labels ?? []) {
    if (!known.has(number) || (label !== "" && !Object.hasOwn(settings.cells, label) && !isNumber(label))) continue;
    decided.set(number, label);
    if (!differing.has(number)) saved.set(number, label);
  }
}

// The same page in another tab, or what the page before a reload kept, arriving after this one was read.
function catchUp(event) {
  if (event.key !== settings.key) return;
  const wasOpen = shown.length && !labelOf(shown[current]);
  decided.clear();
  past.length = future.length = 0;
  recall();
  recount();
  count();
  layOut();
  if (wasOpen && labelOf(shown[current])) goOn();
}

function forget() {
  const button = byId("forget");
  if (!button.dataset.sure) {
    button.dataset.sure = "yes";
    button.textContent = "Press again to delete all labels";
    return;
  }
  for (const map of [decided, saved]) map.clear();
  savedFile = null;
  past.length = future.length = 0;
  recount();
  isKept = false;
  store();
  count();
  byId("help").close();
  layOut();
}
