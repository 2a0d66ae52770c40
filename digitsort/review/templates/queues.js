// Queues of cards, and which card of which queue is selected.

let queue = queues[0];
let shown = queue ? queue.cards : []; // the cards of the queue, or those that the search finds
let current = 0; // position in shown
let anchor = 0; // other end of the selection
let wasEndShown = false; // since the last scan was labelled
let leaving = 0; // timer of the pause in which a finished group is still shown

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
      clearSaid();
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

// The next open card: after the selection, else before it.
function nextPlace() {
  const after = Math.max(anchor, current) + 1;
  const isOpen = (card) => !labelOf(card);
  const next = shown.findIndex((card, place) => place >= after && isOpen(card));
  return next >= 0 ? next : shown.findIndex(isOpen);
}

const isDone = () => shown.every(labelOf);

// After a label. Returns what to say about it besides what is seen. A group that was done before, to
// which a person has come back, stays.
function goOn(wasDone = false) {
  const place = nextPlace();
  move(place >= 0 ? place : current);
  if (place >= 0 || (wasDone && open)) return "";
  if (open && isSearch()) return "";
  if (open) return pause();
  if (!wasEndShown) showEnd(); // not again after each change of a label
  wasEndShown = true;
  return "";
}

// At once, also out of a search.
function goToNext() {
  const place = nextPlace();
  if (place >= 0) move(place);
  else if (open) openNext();
  else showEnd();
}

function nextQueue() {
  const at = queues.indexOf(queue);
  return [...queues.slice(at + 1), ...queues.slice(0, at + 1)].find((each) => each.open);
}

function openNext() {
  const next = nextQueue();
  if (next) openQueue(next);
  else stay(); // another tab has labelled the rest
}

// The last label of a group is seen for a moment before the next group takes its place.
function pause() {
  const next = nextQueue();
  const said = ` ${queue.title} is done. Next: ${next.title}.`;
  if (settings.pause) leaving = setTimeout(endPause, settings.pause);
  else openNext();
  count();
  return said;
}

function endPause() {
  openNext();
  clearSaid(); // it was about the group before
}

function stay() {
  clearTimeout(leaving);
  if (!leaving) return;
  leaving = 0;
  count();
}

// A key in the pause goes on. It gives no label: nobody has seen the scan that would get it.
function isLeaving() {
  if (!leaving) return false;
  openNext();
  tell("This is the next group. Press again to label.");
  return true;
}

function stepQueue(by) {
  const next = queues[queues.indexOf(queue) + by];
  if (next) openQueue(next);
  else tell("There is no further group.");
}

function labelled(count, label) {
  const verb = label === settings.unclear ? "marked as" : "labelled";
  const text = count > 1 ? `${plural(count, "scan")} ${verb}` : verb;
  return `${text[0].toUpperCase()}${text.slice(1)} ${nameOf(label)}`;
}

function decide(label) {
  const chosen = selection();
  if (!chosen.length || !label || isLeaving() || isAway()) return;
  const wasDone = isDone();
  take(chosen.map((card) => [card, label]));
  const more = goOn(wasDone);
  say(`${labelled(chosen.length, label)}.`, more);
}

function decideEach(labelFor, nothing) {
  if (isLeaving() || isAway()) return;
  const labels = selection().map((card) => [card, labelFor(card)]).filter(([, label]) => label);
  if (!labels.length) {
    tell(nothing);
    return;
  }
  const wasDone = isDone();
  take(labels);
  const more = goOn(wasDone);
  const [first] = labels;
  say(`${labels.length > 1 ? `${plural(labels.length, "scan")} labelled` : labelled(1, first[1])}.`, more);
}

const accept = () =>
  decideEach((card) => labelOf(card) || guessOf(card), "There is no guess to confirm.");
const otherOf = (card) => (card.hint && card.hint !== card.label ? card.hint : card.second);
const takeHint = () =>
  decideEach((card) => (cellOf(otherOf(card)) ? otherOf(card) : ""), "There is no hint here.");

// Cards that were never on the screen are not confirmed: the first press goes to them.
function acceptRest() {
  if (isLeaving() || isAway()) return;
  const rest = shown.filter((card) => !labelOf(card) && guessOf(card));
  const unseen = rest.find((card) => !card.wasSeen);
  if (unseen) {
    move(shown.indexOf(unseen), { atTop: true });
    const left = rest.filter((card) => !card.wasSeen).length;
    tell(left ? `${plural(left, "scan")} below not seen yet. Press again.` : "This is the end of the group. Press again to confirm what is left in it.");
    return;
  }
  if (!rest.length && shown.some((card) => !labelOf(card))) {
    move(nextPlace());
    tell("What is left has no guess to confirm: label it.");
    return;
  }
  if (rest.length) take(rest.map((card) => [card, guessOf(card)]));
  const more = goOn();
  say(`${plural(rest.length, "scan")} confirmed.`, more);
}

function takeBack() {
  const labelled = selection().filter(labelOf);
  if (!labelled.length) {
    undo();
    return;
  }
  stay();
  if (isAway()) return;
  take(labelled.map((card) => [card, card.human ? "" : undefined]));
  describe();
  say(`${plural(labelled.length, "label")} removed.`);
}

const isSearch = () => Boolean(byId("search").value.trim());

function count() {
  const done = cards.length - open;
  if (open) wasEndShown = false;
  byId("progress").value = done;
  byId("progress-text").textContent =
    `${done.toLocaleString("en")} of ${cards.length.toLocaleString("en")} reviewed`;
  for (const each of queues) {
    const text = each.open ? `${each.open.toLocaleString("en")}` : "✓";
    if (each.count.textContent !== text) each.count.textContent = text;
    each.state.textContent = each.open ? ` of ${each.cards.length.toLocaleString("en")} left` : " done";
    if (each === queue && !isSearch()) each.button.setAttribute("aria-current", "true");
    else each.button.removeAttribute("aria-current");
  }
  const left = shown.reduce((sum, card) => sum + (labelOf(card) ? 0 : 1), 0);
  byId("group-title").textContent = isSearch() ? "Search" : (queue?.title ?? "");
  byId("group-count").textContent = groupCount(left);
  byId("group-count").classList.toggle("done", Boolean(shown.length && !left));
  byId("undo").disabled = !past.length;
  byId("redo").disabled = !future.length;
  countUnsaved();
}

function groupCount(left) {
  if (!shown.length) return "";
  if (leaving) return `✓ done · next: ${nextQueue()?.title ?? "the end"}`;
  if (left) return `${left} of ${shown.length} left`;
  return open ? "✓ done · n: next scan without a label" : "✓ done";
}
