// What a page owes to everybody, whatever he reads it with. Gives a list of what it lacks; empty is well.
() => {
  const lacks = [];
  const say = (what, node) => lacks.push(`${what}: ${(node?.outerHTML ?? "").replace(/\s+/g, " ").slice(0, 140)}`);
  const all = (query) => [...document.querySelectorAll(query)];
  const seen = (node) => node.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
  const words = (node) => (node.getAttribute("aria-label") || node.textContent || node.title || "").trim();

  // Language, landmarks, the way past the bar
  if (!/^(zh-hans|en)$/.test(document.documentElement.lang)) say("language", document.documentElement);
  if (!document.title.trim()) say("title", document.head);
  if (all("main").length !== 1) lacks.push(`${all("main").length} main landmarks`);
  const skip = document.querySelector("body a");
  if (!skip?.matches(".skip") || !document.querySelector(skip.getAttribute("href"))) say("skip link", skip);
  for (const nav of all("nav")) if (!nav.getAttribute("aria-label") && !nav.getAttribute("aria-labelledby")) say("nav without a name", nav);
  if (!all("[aria-live], [role=status], [role=alert]").length) lacks.push("no live region");

  // Headings: one of the first rank, none left out on the way down
  const ranks = all("h1, h2, h3, h4").filter(seen).map((node) => [Number(node.tagName[1]), node]);
  if (ranks.filter(([rank]) => rank === 1).length !== 1) lacks.push(`${ranks.filter(([rank]) => rank === 1).length} first headings`);
  ranks.reduce((before, [rank, node]) => (rank > before + 1 && say(`h${rank} after h${before}`, node), rank), 0);

  // Names of what one can use or look at
  for (const field of all("input:not([type=hidden]), select, textarea")) {
    const named = [...(field.labels ?? [])].some((label) => label.textContent.trim()) || field.getAttribute("aria-label") || field.getAttribute("aria-labelledby");
    if (!named) say("field without a label", field);
  }
  for (const node of all("button, a[href], summary")) if (!words(node) && !node.querySelector("img[alt]:not([alt=''])")) say("no name", node);
  for (const image of all("img")) if (!image.hasAttribute("alt")) say("no alt", image);
  for (const cell of all("table thead th")) if (!cell.scope) say("th without scope", cell);
  for (const table of all("table")) if (!table.querySelector("th")) say("table without heads", table);
  for (const bar of all("progress, meter")) if (!bar.getAttribute("aria-label") && !bar.labels.length) say("no name", bar);
  for (const frame of all("[role=img], [role=application], dialog")) {
    if (!["aria-label", "aria-labelledby", "aria-describedby"].some((name) => frame.hasAttribute(name)) && !frame.querySelector("title, h2")) say("no name", frame);
  }
  const ids = all("[id]").map((node) => node.id);
  for (const id of new Set(ids.filter((one, at) => ids.indexOf(one) !== at))) lacks.push(`id twice: ${id}`);
  for (const name of ["aria-labelledby", "aria-describedby", "for"]) {
    for (const node of all(`[${name}]`)) for (const id of node.getAttribute(name).split(/\s+/)) if (!document.getElementById(id)) say(`${name} leads nowhere`, node);
  }

  // Contrast (WCAG 2.1, 1.4.3): 4.5, of large letters 3
  const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const over = (...layers) => {
    pen.clearRect(0, 0, 1, 1);
    for (const layer of layers) (pen.fillStyle = layer), pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node) => {
    const layers = [];
    for (let at = node; at; at = at.parentElement) layers.unshift(getComputedStyle(at).backgroundColor);
    return ["#fff", ...layers];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const told = new Set();
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const node = text.parentElement;
    if (!text.textContent.trim() || !seen(node) || node.closest("svg, script, .skip, .unseen, [disabled], .maplibregl-map, option")) continue;
    const style = getComputedStyle(node);
    const under = ground(node);
    const [a, b] = [light(over(...under)), light(over(...under, style.color))].sort((x, y) => y - x);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
    const ratio = (a + 0.05) / (b + 0.05);
    const key = `${node.className} ${style.color} ${under}`;
    if (ratio < (large ? 3 : 4.5) && !told.has(key)) told.add(key), say(`contrast ${ratio.toFixed(2)}`, node);
  }

  // Nothing is wider than the screen
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wide > 0) {
    const outer = all("main *, header *").filter((node) => node.getBoundingClientRect().right > innerWidth + 1 && !node.closest(".scroll, [class*=maplibregl]"));
    say(`${wide} px wider than the screen`, outer.at(-1));
  }
  return lacks;
}
