// The form of a move: fields that belong to another wish step aside, and what is cancelled goes away.

function sort(form) {
  const chooser = form.querySelector("[data-chooses]");
  if (!chooser) return;
  for (const input of form.querySelectorAll("[data-when]")) {
    const fits = input.dataset.when === chooser.value;
    input.disabled = !fits;
    input.closest(".field").hidden = !fits;
  }
}

function prepare(root) {
  for (const form of root.querySelectorAll("form.move")) {
    sort(form);
    form.addEventListener("change", () => sort(form));
  }
}

prepare(document);
document.body.addEventListener("htmx:afterSwap", (event) => {
  prepare(event.target);
  event.target.querySelector("input:not([type=hidden]), select, textarea")?.focus();
});
document.addEventListener("click", (event) => {
  const form = event.target.closest("[data-cancel]")?.closest("#form");
  if (!form) return;
  event.preventDefault();
  form.replaceChildren();
});

// A sentence that people write often goes into the note: into an empty one, or behind what stands there; once.
document.addEventListener("click", (event) => {
  const opinion = event.target.closest(".opinion");
  const note = opinion && document.getElementById(opinion.closest("[data-says-into]").dataset.saysInto);
  if (!note) return;
  const said = opinion.textContent;
  if (!note.value.includes(said)) note.value = note.value.trim() ? `${note.value.trimEnd()} ${said}` : said;
  note.focus();
});
