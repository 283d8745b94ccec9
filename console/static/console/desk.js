// Small behaviours of every page. Each is found by an attribute, so that a page without it pays nothing.
// No module imports this one: it acts. What others want of it stands in announce.js.

// Behaviours that ran twice would undo each other: the second start stops here, and says so.
if (document.documentElement.dataset.desk) throw new Error("desk.js was started twice");
document.documentElement.dataset.desk = "started";

// A menu closes when one clicks elsewhere or presses Escape.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
});

// A form is sent once: a second click waits for the answer to the first.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  setTimeout(() => delete form.dataset.sent, 8000);
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// What somebody asked for by hand and got no answer to is told, with the way on; what asks by itself tries again.
const trouble = document.getElementById("trouble");
let out = false;

function tell(text, link = null) {
  trouble.replaceChildren(text, ...(link ? [" ", link] : []));
  trouble.hidden = false;
}

function way() {
  const link = Object.assign(document.createElement("a"), { href: trouble.dataset.login, target: "_blank", rel: "opener" });
  link.textContent = trouble.dataset.opens;
  return link;
}

function byHand(detail) {
  return detail.requestConfig?.triggeringEvent?.isTrusted;
}

for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, ({ detail }) => byHand(detail) && tell(trouble.dataset.gone));
}
document.addEventListener("htmx:responseError", ({ detail }) => {
  const { status, responseText } = detail.xhr;
  if (!byHand(detail)) return;
  out = status === 401 || status === 403;
  const plain = detail.xhr.getResponseHeader("Content-Type")?.startsWith("text/plain");
  if (status === 401) tell(trouble.dataset.out, way());
  else tell(plain && status < 500 ? responseText : trouble.dataset.failed);
});
document.addEventListener("htmx:beforeRequest", ({ detail }) => byHand(detail) && (trouble.hidden = true));

// Who has signed in again in another window has another token: a form that stayed here takes it over.
document.addEventListener("htmx:confirm", async (event) => {
  if (!out || !event.detail.triggeringEvent?.isTrusted) return;
  event.preventDefault();
  out = false;
  await renew().catch(() => {});
  event.detail.issueRequest(true);
});

async function renew() {
  const answer = await fetch(location.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const token = page.querySelector("[name=csrfmiddlewaretoken]").value;
  document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": token }));
  for (const input of document.querySelectorAll("[name=csrfmiddlewaretoken]")) input.value = token;
}

// How much of a form has arrived: photos take a while over a slow network.
document.addEventListener("htmx:xhr:progress", ({ target, detail }) => {
  const bar = target.querySelector?.("progress.sending");
  if (bar && detail.lengthComputable) bar.value = detail.loaded / detail.total;
});

// A choice that sends its form: filters.
document.addEventListener("change", (event) => {
  if (event.target.closest("[data-sends]")) event.target.form.requestSubmit();
});
