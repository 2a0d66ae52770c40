// A card: how it looks and what a screen reader says of it.

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
  else pictures.append(make("span", "none", card.note || "no image"));
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
