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

  // Attributes that one sees. What scripts note for themselves (data-…) is no change.
  const SEEN = ["open", "hidden", "class", "style", "disabled", "src", "href", "aria-expanded", "aria-pressed", "aria-current"];
  const changed = () => (seen.changes += 1);
  new MutationObserver(changed).observe(document, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: SEEN });
  for (const name of ["invalid", "focusin", "scroll"]) document.addEventListener(name, changed, true);
  window.print = changed;
  window.confirm = () => true;
})();
