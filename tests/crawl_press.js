// Presses each button and link of a page once, also those that come by pressing. Gives those that did nothing.
async (patience) => {
  const pressed = new Set(), old = new WeakSet(), dead = [];
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const plain = (text) => (text ?? "").replace(/[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{64}|WG\w+|\d+/g, "#").replace(/\s+/g, " ").trim();
  const all = () => [...document.querySelectorAll("a[href], button, summary, input[type=submit], [role=button]")];
  const usable = (node) => node.isConnected && !node.disabled && node.checkVisibility({ checkVisibilityCSS: true });
  const last = (node) => node.matches("details[open] > summary"); // closing hides what is inside
  const words = (node) => plain(node.getAttribute("aria-label") || node.textContent || node.value);

  // Rows of a table have the same links: what stands for the same is pressed once.
  function mark(node) {
    if (node.tagName === "A") return `a ${plain(node.getAttribute("href"))} ${node.className}`;
    return [node.tagName, plain(node.form?.getAttribute("action")), node.name, plain(node.value), words(node)].join(" ");
  }
  async function quiet() {
    for (let ms = 0; window.crawl.waiting && ms < patience; ms += 10) await pause(10);
  }
  async function press(node) {
    node.removeAttribute("target"); // another window would be out of sight
    for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = menu.contains(node);
    await pause(0); // a menu that closes by itself answers no press
    const { requests, changes } = window.crawl;
    node.click();
    for (let ms = 0; ms < patience; ms += 10) {
      await pause(ms && 10);
      if (window.crawl.requests > requests || window.crawl.changes > changes) return true;
    }
    return false;
  }
  // While a dialog is open, nobody reaches what lies behind it.
  function reach() {
    const dialog = [...document.querySelectorAll("dialog:modal")].at(-1);
    return [dialog, all().filter((node) => usable(node) && !pressed.has(mark(node)) && (!dialog || dialog.contains(node)))];
  }
  function next() {
    const [dialog, open] = reach();
    if (dialog && !open.length) return dialog.close(), next();
    const order = (node) => (old.has(node) ? 1 : 0) + (last(node) ? 2 : 0); // what has just come, before it goes
    open.sort((one, other) => order(one) - order(other));
    for (const node of open) old.add(node);
    return open[0];
  }

  await quiet();
  window.crawl.pressing = true;
  for (const box of document.querySelectorAll("[data-all]:not(:disabled)")) box.click(); // buttons that want rows
  for (let node = next(); node; node = next()) {
    pressed.add(mark(node));
    if (pressed.size > 300) return [...dead, "more than 300 controls: does a press bring forth others for ever?"];
    if (!(await press(node))) dead.push(node.outerHTML.replace(/\s+/g, " ").slice(0, 200));
    await quiet();
    window.dispatchEvent(new PageTransitionEvent("pageshow")); // as if one came back: a form may be sent again
  }
  window.crawl.pressing = false;
  return dead;
};
