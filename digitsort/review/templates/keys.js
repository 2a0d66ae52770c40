// What the keys, the mouse and a finger do; and the start.

let typed = ""; // first letters of a class, while more than one class begins with them
let isRange = false; // the next click extends the selection
let pointer = "mouse"; // kind of the last pointer
let isDragging = false;

const hasKeys = Object.keys(settings.keys).length > 0; // else a person types first letters of a class
const toGrid = () => grid.focus({ preventScroll: true });

// What is heard has `more` than what is seen.
function say(text, more = "") {
  byId("say").textContent = `${text}${more} ${byId("progress-text").textContent}.`;
  byId("said").textContent = text;
  byId("notice").hidden = true;
}

// What a person has to know before the next key: also where there is no room for it above the scans.
function tell(text) {
  say(text);
  const line = byId("said");
  const isCut = !line.offsetParent || line.scrollHeight > line.clientHeight;
  const dialog = document.querySelector("dialog[open]");
  byId("notice").hidden = !isCut && !dialog;
  byId("notice").textContent = text;
  (dialog ?? document.body).append(byId("notice")); // what lies below a dialog is veiled
}

// A message is about the last action: the next one takes it away.
function clearSaid() {
  byId("said").textContent = "";
  byId("notice").hidden = true;
}

function trouble(text) {
  byId("trouble").textContent = text;
  byId("trouble").hidden = false;
}

const pageOf = () => Math.max(1, Math.floor(pane.clientHeight / pitch)) * columns;
const moves = {
  ArrowLeft: () => current - 1,
  ArrowRight: () => current + 1,
  ArrowUp: () => (current >= columns ? current - columns : current),
  ArrowDown: () => current + columns,
  Home: () => 0,
  End: () => shown.length - 1,
  PageUp: () => current - pageOf(),
  PageDown: () => current + pageOf(),
};
const commands = {
  Enter: accept,
  " ": accept,
  Backspace: takeBack,
  Delete: () => decide(settings.none),
  Escape: () => move(current),
};
const singleKeys = {
  ".": takeHint,
  n: goToNext,
  "[": () => stepQueue(-1),
  "]": () => stepQueue(1),
  "+": () => resize(1),
  "=": () => resize(1),
  "-": () => resize(-1),
  "/": () => {
    stay();
    byId("search").focus();
  },
  "?": () => openDialog("help", "help-close"), // the focus is not on the button that forgets everything
};
const withCtrl = {
  z: undo,
  "shift z": redo,
  y: redo,
  s: save,
  a: () => {
    anchor = 0;
    move(shown.length - 1, { extend: true });
  },
};

function onKey(event) {
  if (event.isComposing || event.altKey) return;
  const command = commandOf(event);
  if (document.querySelector("dialog[open]") && command !== save) return;
  if (event.target === byId("search")) {
    onSearchKey(event);
    return;
  }
  if (!command) return;
  event.preventDefault();
  if (event.repeat && !moves[event.key]) return; // a held key labels one scan
  if (!moves[event.key]) endRange();
  if (!isRange) clearSaid();
  command();
}

function onSearchKey(event) {
  if (event.key === "Escape") openQueue(queue);
  if (event.key === "Enter" || event.key === "Escape") toGrid();
}

function commandOf(event) {
  const { key } = event;
  if (event.ctrlKey || event.metaKey) {
    return withCtrl[(event.shiftKey ? "shift " : "") + key.toLowerCase()];
  }
  if ((key === "Enter" || key === " ") && event.target.matches("button, summary, input")) return null;
  if (moves[key]) {
    typed = ""; // a number that is not complete is of the scan that is left
    return () => move(moves[key](), { extend: event.shiftKey || isRange });
  }
  if (typed && key === "Enter") return () => settle(isNumber(typed) ? typed : classesLike(typed)[0]);
  if (isNumber(typed) && key === "Backspace") return () => typeNumber(typed.slice(0, -1));
  if (typed && (key === "Escape" || key === "Backspace")) return () => settle("");
  if (key === "Enter" && event.shiftKey) return acceptRest;
  if (key === "Delete" && event.shiftKey) return () => decide(settings.unclear);
  if (commands[key]) return commands[key];
  if (!byId("single").checked || key.length !== 1) return null;
  const letter = letterOf(event);
  if (isNumber(typed + letter)) return () => typeNumber(typed + letter);
  if (!hasKeys && (classesLike(typed + letter).length || classesLike(letter).length)) {
    return () => type(letter);
  }
  const label = keyLabel(letter);
  return label ? () => decide(label) : singleKeys[letter];
}

// On a French keyboard the digits need Shift; the place of the key tells them.
function letterOf(event) {
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1];
  return digit && !event.shiftKey ? digit : event.key;
}

function keyLabel(key) {
  const lower = key.toLowerCase();
  if (Object.hasOwn(settings.keys, key)) return settings.keys[key];
  if (lower === settings.noneWords.key) return settings.none;
  if (lower === settings.unclearKey) return settings.unclear;
  const same = Object.keys(settings.keys).filter((name) => name.toLowerCase() === lower);
  return same.length === 1 ? settings.keys[same[0]] : "";
}

function classesLike(text) {
  const exact = settings.classes.filter((name) => name.startsWith(text));
  if (exact.length) return exact.sort((a, b) => a.length - b.length);
  const lower = text.toLowerCase();
  return settings.classes.filter((name) => name.toLowerCase().startsWith(lower));
}

function type(letter) {
  const text = classesLike(typed + letter).length ? typed + letter : letter;
  const found = classesLike(text);
  if (found.length === 1) {
    settle(found[0]);
    return;
  }
  typed = text;
  tell(`${text}…: ${found.slice(0, 8).join(", ")}. Type on, or press Enter for ${found[0]}.`);
}

function typeNumber(text) {
  typed = text;
  say(text && `${text}… Press Enter when the number is complete.`);
}

function settle(label) {
  typed = "";
  if (label) decide(label);
  else say("");
}

function addKey(text, title, action, label) {
  const button = make("button", text.length > 1 ? "wide" : "", text);
  button.type = "button";
  button.title = title;
  const isSaid = title.toLowerCase().includes(text.toLowerCase());
  button.setAttribute("aria-label", isSaid ? title : `${text}: ${title}`);
  if (label !== undefined) button.dataset.label = label;
  button.addEventListener("click", (event) => {
    // The page has moved on to the next group: a double click must not confirm that one, too.
    if (action === acceptRest && event.detail > 1) return;
    if (action !== toggleRange) endRange();
    clearSaid();
    action();
    if (!document.querySelector("dialog[open]")) toGrid();
  });
  byId("keys").append(button);
  return button;
}

function addKeys() {
  const keys = new Map(Object.entries(settings.keys).map(([key, name]) => [name, key]));
  for (const name of settings.classes) {
    const hint = keys.has(name) && keys.get(name) !== name ? ` (${keys.get(name)})` : "";
    addKey(name, `It is ${name}${hint}`, () => decide(name), name);
  }
  const { button, name, key } = settings.noneWords;
  const title = `${name[0].toUpperCase()}${name.slice(1)} (${key})`;
  addKey(button, title, () => decide(settings.none), settings.none);
  addKey("Can't tell", `You can't tell what it is (${settings.unclearKey})`, () => decide(settings.unclear), settings.unclear);
  addKey("✓ Confirm", "Confirm the guess (Enter)", accept);
  addKey("✓ Confirm all", "Confirm all scans left in this group (Shift+Enter)", acceptRest);
  addKey("Select range", "Select a range: the next scan that you choose is its end", toggleRange);
  byId("keys").lastElementChild.id = "range";
}

function toggleRange() {
  isRange = !isRange;
  byId("range").setAttribute("aria-pressed", isRange);
  if (isRange) tell("Choose the last scan of the range.");
}

function endRange() {
  if (isRange) toggleRange();
}

const placeOf = (event) => {
  const found = document.elementFromPoint(event.clientX, event.clientY)?.closest(".tile");
  return found ? Number(found.dataset.place) : -1;
};

function choose(event) {
  const place = placeOf(event);
  if (place < 0) return;
  move(place, { extend: event.shiftKey || isRange });
  endRange();
  clearSaid();
  toGrid();
}

function listenToPointers() {
  grid.addEventListener("pointerdown", (event) => {
    pointer = event.pointerType;
    if (pointer === "touch" || event.button) return;
    isDragging = !isRange;
    choose(event);
  });
  grid.addEventListener("pointermove", (event) => {
    const place = isDragging && event.buttons & 1 ? placeOf(event) : -1;
    if (place >= 0 && place !== current) move(place, { extend: true });
  });
  addEventListener("pointerup", () => {
    isDragging = false;
  });
  grid.addEventListener("click", (event) => pointer === "touch" && choose(event));
  grid.addEventListener("contextmenu", (event) => {
    if (pointer !== "touch") return;
    event.preventDefault(); // a long press begins a range
    choose(event);
    toggleRange();
  });
}

function openDialog(name, focused) {
  stay();
  byId(name).showModal();
  byId(focused).focus({ preventScroll: true });
  byId(name).scrollTop = 0;
}

function listenToButtons() {
  const actions = { save, undo, redo, "clear-search": () => openQueue(queue), "end-save": save, forget };
  for (const [id, action] of Object.entries(actions)) {
    byId(id).addEventListener("click", () => {
      endRange();
      clearSaid();
      action();
      if (!document.querySelector("dialog[open]")) toGrid();
    });
  }
  byId("help-button").addEventListener("click", () => openDialog("help", "help-close"));
  byId("overview-button").addEventListener("click", () => openDialog("overview", "overview-close"));
  byId("end-button").addEventListener("click", showEnd);
  for (const dialog of document.querySelectorAll("dialog")) {
    dialog.querySelector(".close").addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => {
      delete byId("forget").dataset.sure;
      byId("forget").textContent = "Delete my labels";
      toGrid();
    });
  }
}

function listen() {
  document.addEventListener("keydown", onKey);
  addEventListener("storage", catchUp);
  addEventListener("beforeunload", warnOfUnsaved);
  addEventListener("pagehide", store);
  for (const kind of ["wheel", "touchmove"]) pane.addEventListener(kind, stay, { passive: true });
  pane.addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
  addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
  addEventListener("resize", () => {
    layOut();
    move(current, { extend: true });
  });
  addEventListener("beforeprint", drawAll);
  addEventListener("afterprint", () => {
    layOut();
    move(current, { extend: true });
  });
  byId("search").addEventListener("input", find);
  listenToButtons();
  listenToPointers();
}

recall();
recount();
addKeys();
addQueues();
listen();
if (queue) openQueue(queues.find((each) => each.open) ?? queue);
else show([]);
toGrid();
document.documentElement.dataset.ready = "yes";
