// Notes what a press brings about. Where the page would go is noted, and it stays; what would write is not sent.
(() => {
  const POLLS = /\/(count|counts)\/$/; // what asks by itself, now and then, answers no press
  const seen = (window.crawl = { requests: 0, changes: 0, waiting: 0, pressing: false });
  const ask = (url) => POLLS.test(new URL(url, location.href).pathname) || (seen.requests += 1);

  window.navigation.addEventListener("navigate", (event) => {
    seen.requests += 1;
    if (seen.pressing && event.cancelable && !event.destination.sameDocument) event.preventDefault();
  });
  const { open, send } = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.open = function (method, url, ...more) {
    this.crawled = url;
    return open.call(this, method, url, ...more);
  };
  XMLHttpRequest.prototype.send = function (body) {
    ask(this.crawled);
    seen.waiting += 1;
    this.addEventListener("loadend", () => (seen.waiting -= 1));
    return send.call(this, body);
  };
  const fetched = window.fetch;
  window.fetch = (what, ...more) => (ask(what.url ?? what), fetched(what, ...more));

  // Attributes that one sees. What scripts note for themselves (data-…, htmx-…) is no change, nor is what polls.
  const SEEN = ["open", "hidden", "class", "style", "disabled", "src", "href", "aria-expanded", "aria-pressed", "aria-current"];
  const changed = () => (seen.changes += 1);
  const dressed = (names) => (names ?? "").split(/\s+/).filter((one) => one && !one.startsWith("htmx-")).join();
  function told({ type, target, attributeName, oldValue }) {
    if (attributeName === "class") return dressed(oldValue) !== dressed(target.getAttribute("class"));
    return type !== "childList" || !target.matches?.("[hx-trigger*='every']");
  }
  const watch = { subtree: true, childList: true, characterData: true, attributes: true, attributeOldValue: true, attributeFilter: SEEN };
  new MutationObserver((records) => records.some(told) && changed()).observe(document, watch);
  for (const name of ["invalid", "focusin", "scroll"]) document.addEventListener(name, changed, true);
  window.print = changed;
  window.confirm = () => true;
})();
