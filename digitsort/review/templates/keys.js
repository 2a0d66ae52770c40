// What the keys, the mouse and a finger do; and the start.

function say(text) {
  byId("say").textContent = `${text} ${byId("progress-text").textContent}.`;
}

function trouble(text) {
  byId("trouble").textContent = text;
  byId("trouble").hidden = false;
}

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
  "?": openHelp,
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
  const lower = key.toLowerCase();
  if (Object.hasOwn(settings.keys, key)) return settings.keys[key];
  if (lower === settings.noneWords.key) return settings.none;
  const same = Object.keys(settings.keys).filter((name) => name.toLowerCase() === lower);
  return same.length === 1 ? settings.keys[same[0]] : "";
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
  const keys = new Map(Object.entries(settings.keys).map(([key, name]) => [name, key]));
  for (const name of settings.classes) {
    const hint = keys.has(name) && keys.get(name) !== name ? ` (${keys.get(name)})` : "";
    addKey(name, `It is ${name}${hint}`, () => decide(name), name);
  }
  const { button, name, key } = settings.noneWords;
  const title = `${name[0].toUpperCase()}${name.slice(1)} (${key})`;
  addKey(button, title, () => decide(settings.none), settings.none);
  addKey("✓", "The guess is right (Enter)", accept);
  addKey("⌫", "Undo (Backspace)", takeBack);
}

function addOptions() {
  const labels = new Set(cards.map((card) => labelOf(card) || card.label).filter(Boolean));
  const names = [...settings.classes, settings.none].filter((name) => labels.has(name));
  for (const name of names) filters[0].append(new Option(nameOf(name), name));
  for (const status of new Set(cards.map((card) => card.status))) {
    filters[1].append(new Option(status, status));
  }
}

function openHelp() {
  byId("help").showModal();
  byId("help-close").focus(); // not on the button that forgets everything
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

// The same page in another tab, or what the page before a reload kept, arriving after this one was read.
function catchUp(event) {
  if (event.key !== settings.key) return;
  const card = shown[current];
  const wasOpen = card && !labelOf(card);
  decided.clear();
  history.length = 0;
  recall();
  count();
  filter();
  if (wasOpen && labelOf(card)) moveToOpen();
}

function moveToOpen() {
  const open = shown.findIndex((card) => !labelOf(card));
  if (shown.length) move(Math.max(0, open));
}

function listen() {
  document.addEventListener("keydown", onKey);
  addEventListener("storage", catchUp);
  addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
  addEventListener("resize", layOut);
  for (const input of filters) {
    input.addEventListener(input.matches("select") ? "change" : "input", filter);
  }
  byId("save").addEventListener("click", save);
  byId("clear-filters").addEventListener("click", clearFilters);
  byId("help-button").addEventListener("click", openHelp);
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
moveToOpen();
byId("empty").hidden = cards.length > 0;
grid.focus({ preventScroll: true });
document.documentElement.dataset.ready = "yes";
