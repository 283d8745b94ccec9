// Chosen photos, shown small below their field, each with a button that takes it away.

function name(file) {
  return `${file.name}:${file.size}:${file.lastModified}`;
}

function show(input) {
  const shown = input.parentElement.querySelector(":scope > ul.picked") ?? document.createElement("ul");
  for (const image of shown.querySelectorAll("img")) URL.revokeObjectURL(image.src);
  shown.className = "chosen plain picked";
  shown.replaceChildren(...[...input.files].map((file) => one(input, file)));
  shown.hidden = !input.files.length;
  input.after(shown);
}

function one(input, file) {
  const item = document.createElement("li");
  const image = Object.assign(document.createElement("img"), {
    src: URL.createObjectURL(file), alt: file.name, width: 96, height: 72,
  });
  image.addEventListener("error", () => image.replaceWith(file.name)); // HEIC: most browsers cannot draw it
  const button = Object.assign(document.createElement("button"), { type: "button", className: "quiet", textContent: "×" });
  button.title = button.ariaLabel = `${input.dataset.removes} ${file.name}`;
  button.addEventListener("click", () => put(input, [...input.files].filter((other) => other !== file)));
  item.append(image, button);
  return item;
}

function put(input, files) {
  const held = new DataTransfer();
  for (const file of files) held.items.add(file);
  input.files = held.files;
  remember(input);
  show(input);
}

// Whoever chooses again adds to what was chosen: a phone's camera gives one picture at a time.
const before = new WeakMap();

function remember(input) {
  before.set(input, [...input.files]);
}

document.addEventListener("change", ({ target }) => {
  if (!target.matches("input[type=file][data-removes]")) return;
  const had = before.get(target) ?? [];
  const known = new Set([...target.files].map(name));
  put(target, [...had.filter((file) => !known.has(name(file))), ...target.files]);
});

document.body.addEventListener("htmx:afterSettle", () => {
  for (const input of document.querySelectorAll("input[type=file][data-removes]")) if (input.files.length) show(input);
});
