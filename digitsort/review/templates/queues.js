// Queues of cards, and which card of which queue is selected.

let queue = queues[0];
let shown = queue ? queue.cards : []; // the cards of the queue, or those that the search finds
let current = 0; // position in shown
let anchor = 0; // other end of the selection
let wasEndShown = false; // since the last scan was labelled

const selection = () => shown.slice(Math.min(anchor, current), Math.max(anchor, current) + 1);
const isSelected = (place) => place >= Math.min(anchor, current) && place <= Math.max(anchor, current);

function addQueues() {
  for (const each of queues) {
    each.button = make("button", "queue");
    each.button.type = "button";
    each.name = make("span", "", each.title);
    each.count = make("span", "count");
    each.state = make("span", "hidden");
    each.button.append(each.name, each.count, each.state);
    each.button.addEventListener("click", () => {
      openQueue(each);
      toGrid();
    });
    const item = make("li");
    item.append(each.button);
    byId("queues").append(item);
  }
}

function openQueue(next, card) {
  byId("search").value = "";
  queue = next;
  show(next.cards, card);
}

function show(list, card) {
  shown = list;
  const first = list.findIndex((each) => !labelOf(each));
  current = anchor = Math.max(0, card ? list.indexOf(card) : first);
  byId("empty").hidden = list.length > 0;
  pane.scrollTop = 0;
  layOut();
  count();
  move(current);
  queue?.button.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function find() {
  const wanted = byId("search").value.trim().toLowerCase();
  if (wanted) show(cards.filter((card) => card.path.toLowerCase().includes(wanted)));
  else if (queue) show(queue.cards);
}

function goTo(card) {
  if (shown.includes(card)) move(shown.indexOf(card));
  else openQueue(card.queue, card);
}

// The next open card: after the selection, else before it, else in the next group with one.
function goOn() {
  const after = Math.max(anchor, current) + 1;
  const isOpen = (card) => !labelOf(card);
  const next = shown.findIndex((card, place) => place >= after && isOpen(card));
  const place = next >= 0 ? next : shown.findIndex(isOpen);
  if (place >= 0) move(place);
  else if (open) nextQueue();
  else {
    move(current);
    if (!wasEndShown) showEnd(); // not again after each change of a label
    wasEndShown = true;
  }
}

function nextQueue() {
  const at = queues.indexOf(queue);
  const order = [...queues.slice(at + 1), ...queues.slice(0, at + 1)];
  const next = order.find((each) => each.open);
  if (next) openQueue(next);
}

function stepQueue(by) {
  const next = queues[queues.indexOf(queue) + by];
  if (next) openQueue(next);
  else say("There is no further group.");
}

function decide(label) {
  const chosen = selection();
  if (!chosen.length || !label || isAway()) return;
  take(chosen.map((card) => [card, label]));
  goOn();
  say(`${chosen.length > 1 ? `${plural(chosen.length, "scan")} labelled` : "Labelled"} ${nameOf(label)}.`);
}

function decideEach(labelFor, nothing) {
  if (isAway()) return;
  const labels = selection().map((card) => [card, labelFor(card)]).filter(([, label]) => label);
  if (!labels.length) {
    say(nothing);
    return;
  }
  take(labels);
  goOn();
  const [first] = labels;
  say(labels.length > 1 ? `${plural(labels.length, "scan")} labelled.` : `Labelled ${nameOf(first[1])}.`);
}

const accept = () =>
  decideEach((card) => labelOf(card) || guessOf(card), "There is no guess to confirm.");
const otherOf = (card) => (card.hint && card.hint !== card.label ? card.hint : card.second);
const takeHint = () =>
  decideEach((card) => (cellOf(otherOf(card)) ? otherOf(card) : ""), "There is no hint here.");

// Cards that were never on the screen are not confirmed: the first press goes to them.
function acceptRest() {
  if (isAway()) return;
  const rest = shown.filter((card) => !labelOf(card) && guessOf(card));
  const unseen = rest.find((card) => !card.wasSeen);
  if (unseen) {
    move(shown.indexOf(unseen), { atTop: true });
    const left = rest.filter((card) => !card.wasSeen).length;
    say(left ? `${plural(left, "scan")} below not seen yet. Press again.` : "This is the end of the group. Press again to confirm what is open in it.");
    return;
  }
  if (rest.length) take(rest.map((card) => [card, guessOf(card)]));
  goOn();
  say(`${plural(rest.length, "scan")} confirmed.`);
}

function takeBack() {
  const labelled = selection().filter(labelOf);
  if (!labelled.length) {
    undo();
    return;
  }
  if (isAway()) return;
  take(labelled.map((card) => [card, card.human ? "" : undefined]));
  describe();
  say(`${plural(labelled.length, "label")} removed.`);
}

function count() {
  const done = cards.length - open;
  if (open) wasEndShown = false;
  byId("progress").value = done;
  byId("progress-text").textContent =
    `${done.toLocaleString("en")} of ${cards.length.toLocaleString("en")} reviewed`;
  for (const each of queues) {
    const text = each.open ? `${each.open.toLocaleString("en")}` : "✓";
    if (each.count.textContent !== text) each.count.textContent = text;
    each.state.textContent = each.open ? ` of ${each.cards.length.toLocaleString("en")} open` : " done";
    if (each === queue && !byId("search").value) each.button.setAttribute("aria-current", "true");
    else each.button.removeAttribute("aria-current");
  }
  const left = shown.reduce((sum, card) => sum + (labelOf(card) ? 0 : 1), 0);
  const title = byId("search").value ? "Search" : (queue?.title ?? "");
  byId("group-title").textContent = title;
  byId("group-count").textContent = shown.length ? `${left} of ${shown.length} open` : "";
  byId("undo").disabled = !past.length;
  byId("redo").disabled = !future.length;
  countUnsaved();
}
