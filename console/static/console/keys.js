// A list by the keyboard: j and k go down and up, Enter opens, x chooses, / finds, ? tells.
import { announce } from "./announce.js";

const rows = [...document.querySelectorAll("[data-row]")];
const help = document.getElementById("help");
let at = -1;

function go(to) {
  if (!rows.length) return;
  rows[at]?.classList.remove("at");
  at = Math.max(0, Math.min(rows.length - 1, to));
  const row = rows[at];
  row.classList.add("at");
  row.scrollIntoView({ block: "nearest" });
  row.querySelector("a").focus({ preventScroll: true });
}

const KEYS = {
  j: () => go(at + 1),
  k: () => go(at - 1),
  x: () => {
    const box = rows[at]?.querySelector("input[type=checkbox]");
    if (box) {
      box.checked = !box.checked;
      box.dispatchEvent(new Event("change", { bubbles: true }));
    }
  },
  "/": () => document.getElementById("id_q")?.focus(),
  "?": () => help?.showModal(),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=checkbox]), textarea, select, dialog[open]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
});
document.querySelector("[data-help]")?.addEventListener("click", () => help.showModal());

// What is chosen, and how many.
const all = document.querySelector("[data-all]");
const send = document.querySelector("[data-chosen]");
const boxes = rows.map((row) => row.querySelector("input[type=checkbox]")).filter(Boolean);

function count() {
  const chosen = boxes.filter((box) => box.checked).length;
  if (!send) return;
  send.disabled = !chosen;
  send.querySelector("[data-count]").textContent = chosen || "";
  all.checked = chosen === boxes.length;
  all.indeterminate = chosen > 0 && chosen < boxes.length;
  announce(String(chosen));
}

all?.addEventListener("change", () => {
  for (const box of boxes) box.checked = all.checked;
  count();
});
for (const box of boxes) box.addEventListener("change", count);
count();
