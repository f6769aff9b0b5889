// Chosen scans with their eye and view, and one request that sends them. No library.
"use strict";

const form = document.getElementById("form");
const texts = JSON.parse(form.dataset.texts);
const input = document.getElementById("files");
const list = document.getElementById("scans");
const problem = document.getElementById("problem");
const same = document.getElementById("same");
const button = document.getElementById("predict");
const bar = document.getElementById("progress");
const status = document.getElementById("status");
const chosen = new Map(); // list item -> file

document.documentElement.classList.add("script");

function show(text, element) {
  document.querySelectorAll("[aria-invalid]").forEach((one) => one.removeAttribute("aria-invalid"));
  problem.textContent = text;
  problem.hidden = !text;
  if (!text) return;
  if (element) element.setAttribute("aria-invalid", "true");
  problem.focus();
}

function fieldOf(name) {
  const found = [...form.elements].find((one) => one.name === name);
  if (found && found.closest("details")) found.closest("details").open = true;
  return found;
}

// Scans

function addItem(file) {
  const item = document.getElementById("scan").content.firstElementChild.cloneNode(true);
  item.querySelector(".scan-name").textContent = file.name;
  for (const [name, text] of [["eye", texts.eye_of], ["view", texts.view_of]]) {
    item.querySelector("." + name).setAttribute("aria-label", text.replace("{}", file.name));
  }
  const remove = item.querySelector(".remove");
  remove.setAttribute("aria-label", texts.remove.replace("{}", file.name));
  remove.addEventListener("click", () => {
    const next = item.nextElementSibling || item.previousElementSibling;
    URL.revokeObjectURL(item.querySelector("img").src);
    chosen.delete(item);
    item.remove();
    (next ? next.querySelector(".remove") : input).focus();
    recognise();
  });
  const picture = item.querySelector("img");
  picture.addEventListener("error", () => { picture.hidden = true; }); // no browser draws TIFF
  picture.src = URL.createObjectURL(file);
  item.addEventListener("change", () => { item.querySelector(".scan-problem").textContent = ""; });
  chosen.set(item, file);
  list.append(item);
}

function add(files) {
  const known = new Set([...chosen.values()].map((file) => file.name + file.size));
  for (const file of files) {
    if (!file.name.startsWith(".") && !known.has(file.name + file.size)) addItem(file);
  }
  show("");
  recognise();
}

async function recognise() {
  const items = [...chosen.keys()];
  status.textContent = texts.chosen.replace("{}", items.length);
  const names = items.map((item) => chosen.get(item).name);
  let answer;
  try {
    const response = await fetch("/names", { method: "POST", body: JSON.stringify(names) });
    answer = await response.json();
    if (!response.ok) { show(answer.detail); return; }
  } catch { show(texts.unreachable); return; }
  answer.files.forEach((found, i) => {
    if (items[i].dataset.asked) return; // what a person has corrected stays
    items[i].dataset.asked = "yes";
    items[i].querySelector(".eye").value = found.eye;
    items[i].querySelector(".view").value = found.view;
    items[i].querySelector(".scan-problem").textContent = found.problem;
  });
  same.hidden = !answer.several_patients;
  same.querySelector("span").textContent = `${answer.several_patients}. ${texts.same_patient}`;
  if (same.hidden) same.querySelector("input").checked = false;
}

input.addEventListener("change", () => {
  add([...input.files]);
  input.value = ""; // so that the same file can be chosen again
});

async function filesOf(entry) { // a dropped folder is opened
  if (entry.isFile) return [await new Promise((done, failed) => entry.file(done, failed))];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!some.length) return found;
    for (const one of some) if (one.isFile) found.push(...await filesOf(one));
  }
}

document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dragging");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dragging");
});
document.addEventListener("drop", async (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  const entries = [...event.dataTransfer.items]
    .map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry()).filter(Boolean);
  const files = [...event.dataTransfer.files];
  try {
    add(entries.length ? (await Promise.all(entries.map(filesOf))).flat() : files);
  } catch { show(texts.unreadable); }
});

// Acuity

for (const box of document.querySelectorAll(".unknown")) {
  const value = box.closest(".eye-va").querySelector("input[type=text]");
  box.addEventListener("change", () => {
    value.value = box.checked ? "unknown" : "";
    value.readOnly = box.checked;
  });
}

// Sending

function content() {
  const data = new FormData(form);
  data.delete("files");
  const taken = new Map();
  let size = 0;
  if (!chosen.size) throw [texts.no_scan, input];
  for (const [item, file] of chosen) {
    const [eye, view] = [item.querySelector(".eye"), item.querySelector(".view")];
    for (const one of [eye, view]) {
      if (!one.value) throw [texts.choose.replace("{}", file.name), one];
    }
    const name = `files.${eye.value}.${view.value}`;
    if (taken.has(name)) {
      throw [texts.twice.replace("{}", taken.get(name)).replace("{}", file.name), view];
    }
    taken.set(name, file.name);
    data.append(name, file);
    size += file.size;
  }
  if (!same.hidden && !same.querySelector("input").checked) {
    throw [same.textContent.trim(), same.querySelector("input")];
  }
  if (size > Number(form.dataset.limit)) throw [texts.too_large, input];
  return data;
}

function busy(text) {
  button.disabled = Boolean(text);
  bar.hidden = !text;
  status.textContent = text;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  show("");
  let data;
  try { data = content(); } catch (wrong) {
    if (!Array.isArray(wrong)) throw wrong;
    show(...wrong);
    return;
  }
  const request = new XMLHttpRequest(); // fetch tells nothing of what was sent so far
  const progress = bar.querySelector("progress");
  request.open("POST", form.getAttribute("action"));
  request.setRequestHeader("Accept", "application/json, text/html;q=0.5");
  request.upload.addEventListener("progress", (sent) => {
    if (sent.lengthComputable) progress.value = (100 * sent.loaded) / sent.total;
  });
  request.upload.addEventListener("load", () => {
    progress.removeAttribute("value");
    status.textContent = texts.predicting;
  });
  request.addEventListener("load", () => {
    if (request.status === 200) { window.location.assign(request.responseURL); return; }
    busy("");
    let answer = {};
    try { answer = JSON.parse(request.responseText); } catch { /* a proxy's own page */ }
    show(answer.detail || texts.unreachable, answer.field && fieldOf(answer.field));
  });
  request.addEventListener("error", () => { busy(""); show(texts.unreachable); });
  progress.value = 0;
  busy(texts.sending);
  request.send(data);
});

window.addEventListener("pageshow", () => busy(""));
