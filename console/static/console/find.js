// What a box finds, by the keyboard: down and up go through it, Escape goes back to the box, and then away.
import { announce } from "./announce.js";

const box = document.querySelector("[data-find]");
const found = document.getElementById("found");

function step(by) {
  const all = [box, ...found.querySelectorAll("a, button")];
  const at = all.indexOf(document.activeElement);
  all[(at + by + all.length) % all.length].focus();
}

function leave(event) {
  if (!found.firstElementChild) return;
  event.preventDefault(); // the box keeps what was typed
  event.stopPropagation();
  if (document.activeElement === box) found.replaceChildren();
  else box.focus();
}

function press(event) {
  if (event.key === "Escape") leave(event);
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  if (!found.querySelector("a, button")) return;
  event.preventDefault();
  step(event.key === "ArrowDown" ? 1 : -1);
}

box?.addEventListener("keydown", press);
found?.addEventListener("keydown", press);
found?.addEventListener("htmx:afterSwap", () => announce(found.querySelector("[data-says]")?.textContent ?? ""));
