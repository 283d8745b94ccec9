// Photos, large: a click opens one, the wheel and a double click magnify, arrows turn to the next, Escape closes.
const dialog = document.getElementById("zoom");
const image = dialog?.querySelector("img");
const shown = [...document.querySelectorAll("[data-zoom]")];
let at = 0;
let scale = 1;
let place = { x: 0, y: 0 };

function draw() {
  image.style.transform = `translate(${place.x}px, ${place.y}px) scale(${scale})`;
}

function show(to) {
  at = (to + shown.length) % shown.length;
  const link = shown[at];
  image.src = link.href;
  image.alt = link.dataset.says;
  dialog.querySelector("[data-caption]").textContent = link.dataset.says;
  const original = dialog.querySelector("[data-original]");
  original.hidden = !link.dataset.original;
  original.href = link.dataset.original ?? "";
  [scale, place] = [1, { x: 0, y: 0 }];
  draw();
}

function magnify(by) {
  scale = Math.min(8, Math.max(1, scale * by));
  if (scale === 1) place = { x: 0, y: 0 };
  draw();
}

shown.forEach((link, n) =>
  link.addEventListener("click", (event) => {
    event.preventDefault();
    show(n);
    dialog.showModal();
  }),
);
dialog?.querySelector("[data-close]").addEventListener("click", () => dialog.close());
for (const button of dialog?.querySelectorAll("[data-turn]") ?? []) {
  button.addEventListener("click", () => show(at + Number(button.dataset.turn)));
}
dialog?.addEventListener("keydown", (event) => {
  if (event.key === "ArrowRight") show(at + 1);
  if (event.key === "ArrowLeft") show(at - 1);
  if (event.key === "+") magnify(1.5);
  if (event.key === "-") magnify(1 / 1.5);
});
image?.addEventListener("wheel", (event) => {
  event.preventDefault();
  magnify(event.deltaY < 0 ? 1.2 : 1 / 1.2);
}, { passive: false });
image?.addEventListener("dblclick", () => magnify(scale > 1 ? 1 / scale : 2.5));
image?.addEventListener("pointerdown", (event) => {
  event.preventDefault();
  image.setPointerCapture(event.pointerId);
});
image?.addEventListener("pointermove", (event) => {
  if (!event.buttons || scale === 1) return;
  place = { x: place.x + event.movementX, y: place.y + event.movementY };
  draw();
});

document.querySelector("[data-print]")?.addEventListener("click", () => window.print());
