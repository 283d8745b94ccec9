// When a message comes for this officer, what shows counts asks again at once. Without a waiting room it polls.
const where = document.querySelector("[data-live]")?.dataset.live;

if (where) {
  const stream = new EventSource(where, { withCredentials: true });
  for (const event of ["message", "reset"]) {
    stream.addEventListener(event, () => window.htmx.trigger(document.body, "live"));
  }
  window.addEventListener("pagehide", () => stream.close());
}
