// Saving to a file that the person chose, again and again, or else as a download.

const AUTOSAVE_MS = 1500;
let file = null; // a FileSystemFileHandle, where the browser has such files
let savedFile = null; // name and time of the last saved file, and whether the browser chose its folder
let saving = 0;
let isWriting = false;
let wasCancelled = false; // the last time that the browser asked for a file

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
  if (!cards.some(labelOf) && !unsaved) {
    tell("Nothing to save yet: no scan has a label.");
    return;
  }
  if (!file && window.showSaveFilePicker && !wasCancelled) {
    try {
      file = await window.showSaveFilePicker({
        suggestedName: newName(),
        types: [{ description: "CSV", accept: { "text/csv": [".csv"] } }],
      });
    } catch (error) {
      if (error.name === "AbortError") {
        wasCancelled = true; // some browsers refuse without a question
        tell("Not saved: no file was chosen. Press Save again to download the file.");
        return;
      }
    }
  }
  wasCancelled = false;
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
    markSaved(found, file.name, false);
  } catch (error) {
    trouble(`${file.name} was not saved: ${whyNotWritten(error)}. Press Save to choose a file again.`);
    file = null;
  } finally {
    isWriting = false;
  }
}

const WHY_NOT_WRITTEN = {
  NotAllowedError: "the browser was not allowed to write to it",
  NoModificationAllowedError: "another program or tab is writing to it",
  NotFoundError: "the file or its folder was moved or deleted",
  QuotaExceededError: "the disk is full",
};
const whyNotWritten = (error) => WHY_NOT_WRITTEN[error.name] ?? (error.message || error.name);

function download() {
  const found = corrections();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([found.text], { type: "text/csv" }));
  link.download = newName();
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  markSaved(found, link.download, true);
}

function markSaved(found, name, isDownload) {
  saved.clear();
  for (const [number, label] of found.labels) saved.set(number, label);
  savedFile = { name, isDownload, at: Date.now() };
  byId("trouble").hidden = true;
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
  else if (savedFile) text = `saved ${timeOf(savedFile.at)}`;
  else if (saved.size) text = "all saved";
  byId("unsaved").textContent = text;
  byId("unsaved").classList.toggle("waiting", unsaved > 0);
}

// The time of day, or the day if it was another one.
function timeOf(at) {
  const date = new Date(at);
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday ? date.toTimeString().slice(0, 5) : date.toLocaleDateString("sv"); // 2026-11-28
}

function warnOfUnsaved(event) {
  store();
  if (unsaved) event.preventDefault();
}

const quoted = (text) => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

function fillEnd() {
  const done = cards.length - open;
  byId("end-title").textContent = open ? `${plural(done, "scan")} reviewed, ${open} open` : `All ${plural(done, "scan")} reviewed`;
  byId("end-state").textContent = endState();
  byId("end-first").hidden = Boolean(savedFile) && !unsaved;
  byId("end-then").hidden = !byId("end-first").hidden;
  const unclear = cards.filter(isUnclear).length;
  byId("end-unclear").textContent = unclear ? `You could not tell what ${plural(unclear, "scan")} ${unclear === 1 ? "shows" : "show"}. Sorting puts ${unclear === 1 ? "it" : "them"} into _uncertain.` : "";
  const commands = settings.commands.map((command) => command.replace("FILE", savedPlace));
  if (!savedFile) commands.unshift("mv ~/Downloads/corrections-*.csv corrections.csv");
  byId("end-commands").textContent = commands.join("\n");
}

function endState() {
  if (unsaved && savedFile) return `${plural(unsaved, "label")} not saved yet; the others are in ${savedFile.name}.`;
  if (unsaved) return `${plural(unsaved, "label")} not saved yet.`;
  return savedFile ? `Saved to ${savedFile.name}.` : "";
}

function savedPlace() {
  if (!savedFile) return "corrections.csv";
  return savedFile.isDownload ? `~/Downloads/${savedFile.name}` : quoted(savedFile.name);
}

function showEnd() {
  fillEnd();
  if (!byId("end").open) byId("end").showModal();
  byId("end-title").focus(); // so that one Enter too many after the last scan does not save
}
