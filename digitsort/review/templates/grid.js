// The contact sheet: which tiles exist, and where.

const grid = byId("grid");
const pane = byId("pane");
const SIZES = [72, 104, 148, 208];
const drawn = new Map(); // position in shown -> element
let size = 1;
let columns = 1;
let pitch = 1;

function layOut() {
  const gap = 8;
  const tile = Math.min(SIZES[size], grid.clientWidth);
  document.documentElement.style.setProperty("--tile", `${tile}px`);
  columns = Math.max(1, Math.floor((grid.clientWidth + gap) / (tile + gap)));
  pitch = tile + gap;
  grid.style.height = `${Math.ceil(shown.length / columns) * pitch}px`;
  for (const element of drawn.values()) element.remove();
  drawn.clear();
  draw();
}

// Only the tiles in sight and the selected one exist: a page of fifty thousand scrolls like one of fifty.
function draw() {
  const top = pane.getBoundingClientRect().top - grid.getBoundingClientRect().top;
  const upper = Math.floor(top / pitch);
  const lower = Math.ceil((top + pane.clientHeight) / pitch);
  const first = Math.max(0, upper - 1) * columns;
  const last = Math.min(shown.length, (lower + 1) * columns);
  for (const [place, element] of drawn) {
    if ((place < first || place >= last) && place !== current) {
      element.remove();
      drawn.delete(place);
    }
  }
  for (let place = first; place < last; place += 1) {
    drawAt(place);
    const bottom = (Math.floor(place / columns) + 0.75) * pitch;
    if (place >= upper * columns && bottom <= top + pane.clientHeight) shown[place].wasSeen = true;
  }
  if (current < shown.length) drawAt(current);
}

// On paper nothing scrolls: all cards of the group, or of the search, are printed, in their order.
function drawAll() {
  for (const element of drawn.values()) element.remove();
  drawn.clear();
  for (let place = 0; place < shown.length; place += 1) drawAt(place);
}

function drawAt(place) {
  if (drawn.has(place)) return;
  const element = tile(shown[place], place);
  const row = Math.floor(place / columns);
  element.style.transform = `translate(${(place % columns) * pitch}px, ${row * pitch}px)`;
  drawn.set(place, element);
  grid.append(element);
}

function refresh(card) {
  const found = [...drawn].find(([place]) => shown[place] === card);
  if (!found) return;
  const [place, old] = found;
  drawn.delete(place);
  drawAt(place);
  old.remove();
}

function move(place, { extend = false, atTop = false } = {}) {
  if (!shown.length) {
    stay();
    grid.removeAttribute("aria-activedescendant");
    describe();
    return;
  }
  current = Math.min(Math.max(place, 0), shown.length - 1);
  stay();
  if (!extend) anchor = current;
  drawAt(current);
  drawn.get(current).scrollIntoView({ block: atTop ? "start" : "nearest" });
  draw();
  for (const [each, element] of drawn) {
    element.classList.toggle("current", each === current);
    element.setAttribute("aria-selected", isSelected(each));
  }
  grid.setAttribute("aria-activedescendant", `card-${current}`);
  describe();
}

// A label given to a card that was scrolled away would be given unseen.
function isAway() {
  const box = drawn.get(current)?.getBoundingClientRect();
  if (!box) return true;
  const frame = pane.getBoundingClientRect();
  const middle = (box.top + box.bottom) / 2;
  const isIn = middle >= Math.max(frame.top, 0) && middle <= Math.min(frame.bottom, innerHeight);
  if (isIn) return false;
  drawn.get(current).scrollIntoView({ block: "nearest" });
  draw();
  tell("The selected scan was out of sight. Press again.");
  return true;
}

function resize(by) {
  size = Math.min(Math.max(size + by, 0), SIZES.length - 1);
  layOut();
  move(current, { extend: true });
}
