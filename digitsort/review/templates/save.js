// Saving to a file that the person chose, again and again, or else as a download.

const AUTOSAVE_MS = 1500;
let file = null; // a FileSystemFileHandle, where the browser has such files
let savedName = "";
let savedAt = "";
let saving = 0;
let isWriting = false;

const two = (n) => String(n).padStart(2, "0");

function newName() {
  const now = new Date();
  const day = [now.getFullYear(), two(now.getMonth() + 1), two(now.getDate())].join("-");
  return `corrections-${day}-${[now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join("")}.csv`;
}

function corrections() {
  const rows = cards.filter(labelOf).sort((a, b) => a.number - b.number);
  const lines = rows.map((card) => `${card.line},${cellOf(labelOf(card))}\n`);
  return { count: rows.length, text: [settings.header, "\n", ...lines].join(""), labels: new Map(decided) };
}

async function save() {
  if (!cards.some(labelOf) && !unsaved) return;
  if (!file && window.showSaveFilePicker) {
    try {
      file = await window.showSaveFilePicker({
        suggestedName: newName(),
        types: [{ description: "CSV", accept: { "text/csv": [".csv"] } }],
      });
    } catch (error) {
      if (error.name === "AbortError") {
        say("Not saved.");
        return;
      }
    }
  }
  if (file) await write();
  else download();
}

function saveSoon() {
  clearTimeout(saving);
  if (file) saving = setTimeout(write, AUTOSAVE_MS);
}

async function write() {
  if (isWriting) {
    saveSoon();
    return;
  }
  isWriting = true;
  const found = corrections();
  try {
    const stream = await file.createWritable();
    await stream.write(found.text);
    await stream.close();
    markSaved(found, file.name);
  } catch {
    file = null;
    trouble("The file could not be written. Press Save to download your corrections instead.");
  } finally {
    isWriting = false;
  }
}

function download() {
  const found = corrections();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([found.text], { type: "text/csv" }));
  link.download = newName();
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  markSaved(found, link.download);
}

function markSaved(found, name) {
  saved.clear();
  for (const [number, label] of found.labels) saved.set(number, label);
  savedName = name;
  savedAt = new Date().toTimeString().slice(0, 5);
  recount();
  isKept = false;
  store();
  count();
  if (byId("end").open) {
    fillEnd();
    byId("end-title").focus(); // otherwise the next Enter would save again
  }
  say(`Saved ${plural(found.count, "row")} to ${name}.`);
}

function countUnsaved() {
  const hasLabels = open < cards.length;
  byId("save").disabled = !hasLabels && !unsaved;
  let text = "";
  if (unsaved) text = `${unsaved.toLocaleString("en")} not saved`;
  else if (savedName) text = `saved ${savedAt}`;
  else if (saved.size) text = "all saved";
  byId("unsaved").textContent = text;
  byId("unsaved").classList.toggle("waiting", unsaved > 0);
}

function warnOfUnsaved(event) {
  store();
  if (unsaved) event.preventDefault();
}

const quoted = (text) => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

function fillEnd() {
  const done = cards.length - open;
  byId("end-title").textContent = open ? `${plural(done, "scan")} reviewed, ${open} open` : `All ${plural(done, "scan")} reviewed`;
  byId("end-state").textContent = unsaved
    ? `${plural(unsaved, "label")} not saved yet.`
    : savedName
      ? `Saved to ${savedName}.`
      : "";
  const place = savedName && !file ? `~/Downloads/${savedName}` : quoted(savedName || "corrections.csv");
  byId("end-commands").textContent = settings.commands
    .map((command) => command.replace("FILE", () => place))
    .join("\n");
}

function showEnd() {
  fillEnd();
  if (!byId("end").open) byId("end").showModal();
  byId("end-title").focus(); // so that one Enter too many after the last scan does not save
}
