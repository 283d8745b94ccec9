// The map. Everything it shows stands in its address: where (after #), and which layers, hue and period (after ?).
import * as maplibre from "./maplibre.js";
import { announce } from "./announce.js";

const config = JSON.parse(document.getElementById("config").textContent);
const words = config.words;
const tools = document.getElementById("tools");
const place = document.getElementById("place");
const FONT = ["system-ui, PingFang SC, Noto Sans SC, Noto Sans CJK SC, Microsoft YaHei, sans-serif"];
const BLUE = "#2166a5", RED = "#c2410c", GREEN = "#0f8a5f", VIOLET = "#6b5ca5";

// Scales that tell apart by lightness, so that no reader needs to see hues. From a count on, for a cell; an area has
// as many times more.
const SCALES = {
  load: { from: [0, 1, 2, 4, 7, 12], hues: ["#f7fafc", "#d6e6f2", "#a6cbe3", "#6aa6cf", "#3579b1", "#154a7d"] },
  late: { from: [0, 1, 2, 3, 5, 8], hues: ["#f7fafc", "#fde3cf", "#f9bd90", "#ee8a4d", "#cf5518", "#8c2f0a"] },
  share: { from: [0, 0.01, 0.1, 0.2, 0.35, 0.5], hues: ["#f7fafc", "#fde3cf", "#f9bd90", "#ee8a4d", "#cf5518", "#8c2f0a"] },
};
// The colours that a scheme gives to its grades.
const GRADED = { green: "#3a9d6a", blue: "#5aa2d6", yellow: "#f0d264", orange: "#e07b39", red: "#c8402f", black: "#3d3a4a" };
const UNGRADED = "#f7fafc";
const TIMES = { cell: 1, community: 12, street: 60 };

/** What a cell's layer stands for at a zoom: a tile holds one kind. */
function kind(zoom) {
  if (zoom >= config.from.cells) return "cell";
  return zoom >= config.from.communities ? "community" : "street";
}

// ---- What the address says

const DEFAULTS = { colour: "load", layers: "areas cases components", by: "reported", days: "30", ago: "0", pick: "" };
const state = { ...DEFAULTS };
for (const [name, said] of new URLSearchParams(location.search)) if (name in state) state[name] = said;
if (!(state.colour in SCALES) && !["none", "grade"].includes(state.colour)) state.colour = "load";

function keep() {
  const said = new URLSearchParams();
  for (const name in DEFAULTS) if (state[name] !== DEFAULTS[name]) said.set(name, state[name]);
  const query = said.toString();
  history.replaceState(history.state, "", location.pathname + (query ? `?${query}` : "") + location.hash);
}

const shown = (layer) => state.layers.split(" ").includes(layer);

// ---- The style

function day(back) {
  const at = new Date(`${config.today}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() + back);
  return at.toISOString().slice(0, 10);
}
function period() {
  const until = Number(state.ago);
  return [day(until - Number(state.days) + 1), day(until)];
}
function tiles(layer, more = "") {
  return [`${location.origin}${config.tiles.replace("{layer}", layer)}?v=${config.scope}${more}`];
}
function heatTiles() {
  const [since, until] = period();
  return tiles("heat", `&by=${state.by}&since=${since}&until=${until}`);
}
function source(layer, minzoom, maxzoom, more = {}) {
  return { type: "vector", tiles: tiles(layer), minzoom, maxzoom, ...more };
}

/** Each grade of a kind with its hue, as its scheme said when it was published last. */
function grades(of) {
  return config.grades[of].map(([grade, colour]) => [grade, GRADED[colour] ?? UNGRADED]);
}
/** The hue of a grade of a kind. */
function graded(of) {
  const hues = grades(of).flat();
  return hues.length ? ["match", ["coalesce", ["get", "grade"], ""], ...hues, UNGRADED] : UNGRADED;
}
/** The hue of a cell or area by the scale chosen. */
function hue() {
  if (state.colour === "none") return "rgba(0,0,0,0)";
  return ["step", ["zoom"], hueOf("street"), config.from.communities, hueOf("community"), config.from.cells, hueOf("cell")];
}
/** The same for what a tile holds at a zoom. */
function hueOf(kind) {
  if (state.colour === "grade") return graded(kind);
  const { from, hues } = SCALES[state.colour];
  const value =
    state.colour === "share"
      ? ["case", [">", ["get", "load"], 0], ["/", ["get", "late"], ["get", "load"]], 0]
      : ["/", ["get", state.colour], TIMES[kind]];
  const step = ["step", value, hues[0]];
  from.slice(1).forEach((n, i) => step.push(state.colour === "share" || i > 0 ? n : 0.0001 + (n - 1), hues[i + 1]));
  return step;
}

const visibility = (layer) => ({ visibility: shown(layer) ? "visible" : "none" });
const name = config.english
  ? ["case", ["==", ["coalesce", ["get", "name_en"], ""], ""], ["get", "name"], ["get", "name_en"]]
  : ["get", "name"];
const isLate = [">", ["get", "late"], 0];

function style() {
  const [least, most] = config.zooms;
  const base = Object.fromEntries(
    config.base.map((addresses, n) => [`base${n}`, { type: "raster", tiles: addresses, tileSize: 256, maxzoom: 18 }]),
  );
  const width = (near) => ["interpolate", ["exponential", 1.6], ["zoom"], 9, near / 14, 14, near, 18, near * 5];
  const major = ["match", ["get", "kind"], ["motorway", "trunk", "primary"], true, false];
  const middling = ["match", ["get", "kind"], ["secondary", "tertiary"], true, false];
  const roadWidth = ["interpolate", ["exponential", 1.6], ["zoom"], 10, ["case", major, 1.2, middling, 0.6, 0.3], 14, ["case", major, 4, middling, 2.4, 1.1], 18, ["case", major, 22, middling, 15, 8]];
  const cased = ["interpolate", ["exponential", 1.6], ["zoom"], 10, ["case", major, 2, middling, 1, 0.5], 14, ["case", major, 5.4, middling, 3.6, 1.7], 18, ["case", major, 25, middling, 17.5, 10]];
  return {
    version: 8,
    sources: {
      ...base,
      roads: source("roads", least, 16, { attribution: config.attribution }),
      cells: source("cells", least, 16),
      areas: source("areas", least, 14),
      cases: source("cases", least, 17),
      heat: { ...source("heat", least, 16), tiles: heatTiles() },
      components: source("components", config.from.things, 18),
      duty: { type: "geojson", data: { type: "FeatureCollection", features: [] } },
    },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": "#eef1f3" } },
      ...Object.keys(base).map((id) => ({ id, type: "raster", source: id, paint: { "raster-saturation": -0.6 } })),
      { id: "cells", type: "fill", source: "cells", "source-layer": "cells", paint: { "fill-color": hue(), "fill-opacity": config.base.length ? 0.6 : 0.92 } },
      { id: "road-cases", type: "line", source: "roads", "source-layer": "roads", layout: { "line-cap": "round", "line-join": "round" }, paint: { "line-color": "#c3ccd4", "line-width": cased, "line-opacity": 0.8 } },
      { id: "roads", type: "line", source: "roads", "source-layer": "roads", layout: { "line-cap": "round", "line-join": "round" }, paint: { "line-color": "#ffffff", "line-width": roadWidth, "line-opacity": 0.95 } },
      { id: "cell-lines", type: "line", source: "cells", "source-layer": "cells", minzoom: config.from.cells, paint: { "line-color": "#5b6b7a", "line-opacity": ["interpolate", ["linear"], ["zoom"], 13, 0.15, 16, 0.45], "line-width": 0.6 } },
      { id: "cell-picked", type: "line", source: "cells", "source-layer": "cells", filter: ["==", ["get", "code"], ""], paint: { "line-color": "#16232e", "line-width": 3 } },
      { id: "area-lines", type: "line", source: "areas", "source-layer": "areas", layout: visibility("areas"), paint: { "line-color": "#44535f", "line-opacity": 0.75, "line-width": ["case", ["==", ["get", "wide"], 1], 2, 1], "line-dasharray": [4, 2] } },
      { id: "heat", type: "heatmap", source: "heat", "source-layer": "heat", layout: visibility("heat"), paint: { "heatmap-weight": ["interpolate", ["linear"], ["get", "n"], 0, 0, 20, 1], "heatmap-intensity": ["interpolate", ["linear"], ["zoom"], 9, 0.5, 16, 2], "heatmap-radius": ["interpolate", ["linear"], ["zoom"], 9, 10, 16, 34], "heatmap-opacity": 0.8, "heatmap-color": ["interpolate", ["linear"], ["heatmap-density"], 0, "rgba(254,232,168,0)", 0.2, "rgba(254,232,168,0.75)", 0.5, "#f4a261", 0.8, "#d4503a", 1, "#8c1d3f"] } },
      { id: "components", type: "circle", source: "components", "source-layer": "components", minzoom: config.from.things, layout: visibility("components"), paint: { "circle-radius": 3, "circle-color": ["match", ["get", "state"], "intact", VIOLET, RED], "circle-opacity": 0.75, "circle-stroke-color": "#fff", "circle-stroke-width": 1 } },
      { id: "road-names", type: "symbol", source: "roads", "source-layer": "roads", minzoom: 14, filter: ["!=", ["coalesce", ["get", "name"], ""], ""], layout: { "symbol-placement": "line", "text-field": ["get", "name"], "text-font": FONT, "text-size": 11.5, "symbol-spacing": 420, "text-max-angle": 30 }, paint: { "text-color": "#66747f", "text-halo-color": "#fff", "text-halo-width": 1.4 } },
      { id: "names", type: "symbol", source: "areas", "source-layer": "names", layout: { ...visibility("areas"), "text-field": name, "text-font": FONT, "text-size": ["case", ["==", ["get", "wide"], 1], 15, 12.5], "symbol-sort-key": ["-", ["get", "wide"]], "text-max-width": 8, "text-padding": 6 }, paint: { "text-color": "#23313c", "text-halo-color": "rgba(255,255,255,0.9)", "text-halo-width": 1.8 } },
      { id: "clusters", type: "circle", source: "cases", "source-layer": "cases", filter: [">", ["get", "n"], 1], layout: visibility("cases"), paint: { "circle-radius": ["interpolate", ["linear"], ["sqrt", ["get", "n"]], 1, 11, 10, 17, 40, 28, 100, 38], "circle-color": BLUE, "circle-opacity": 0.92, "circle-stroke-color": ["case", isLate, RED, "#ffffff"], "circle-stroke-width": ["case", isLate, ["interpolate", ["linear"], ["/", ["get", "late"], ["get", "n"]], 0, 3, 1, 7], 2] } },
      { id: "counts", type: "symbol", source: "cases", "source-layer": "cases", filter: [">", ["get", "n"], 1], layout: { ...visibility("cases"), "text-field": ["to-string", ["get", "n"]], "text-font": FONT, "text-size": 12, "text-allow-overlap": true, "text-padding": 10 }, paint: { "text-color": "#fff" } },
      { id: "singles", type: "circle", source: "cases", "source-layer": "cases", filter: ["==", ["get", "n"], 1], layout: visibility("cases"), paint: { "circle-radius": ["interpolate", ["linear"], ["zoom"], 12, 5, 17, 8], "circle-color": ["case", isLate, RED, BLUE], "circle-stroke-color": "#fff", "circle-stroke-width": 2 } },
      { id: "duty", type: "circle", source: "duty", layout: visibility("duty"), paint: { "circle-radius": 7, "circle-color": GREEN, "circle-stroke-color": "#fff", "circle-stroke-width": 2 } },
      { id: "duty-names", type: "symbol", source: "duty", layout: { ...visibility("duty"), "text-field": ["get", "name"], "text-font": FONT, "text-size": 12, "text-offset": [0, 1.1], "text-anchor": "top" }, paint: { "text-color": "#0b5b40", "text-halo-color": "#fff", "text-halo-width": 1.6 } },
    ],
  };
}

// ---- The map itself

const [west, south, east, north] = config.bounds;
const wide = matchMedia("(min-width: 48rem)").matches;
const fit = { padding: wide ? { top: 40, bottom: 40, left: 320, right: 40 } : 20 };
let map;
try {
  map = new maplibre.Map({
    container: "map", style: style(), hash: "at", bounds: [[west, south], [east, north]], fitBoundsOptions: fit,
    minZoom: config.zooms[0], maxZoom: config.zooms[1], dragRotate: false, pitchWithRotate: false, touchPitch: false,
    attributionControl: false, locale: JSON.parse(document.getElementById("map-words").textContent), fadeDuration: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 150,
  });
} catch (error) {  // no WebGL: the table says the same
  const said = document.createElement("p");
  said.className = "note warning";
  said.textContent = words.failed;
  document.getElementById("map").append(said);
  throw error;
}
window.wanggeMap = map;  // for tests, and for who looks under the bonnet
map.touchZoomRotate.disableRotation();
map.addControl(new maplibre.AttributionControl({ compact: false }));
map.addControl(new maplibre.ScaleControl(), "bottom-left");
map.addControl(new maplibre.NavigationControl({ showCompass: false }), "bottom-right");

const LAYERS = { cases: ["clusters", "counts", "singles"], areas: ["area-lines", "names"], components: ["components"], duty: ["duty", "duty-names"], heat: ["heat"] };
const PICKABLE = ["duty", "singles", "clusters", "components", "cells"];

function pick(point) {
  const found = map.queryRenderedFeatures(point, { layers: PICKABLE.filter((id) => map.getLayer(id)) })[0];
  if (!found) return close();
  const said = found.properties;
  if (found.layer.id === "clusters") return map.easeTo({ center: found.geometry.coordinates, zoom: Math.min(map.getZoom() + 2, config.from.cases) });
  if (found.layer.id === "components") return popup(found, `${said.name} ${said.code} · ${config.states[said.state] ?? ""}`);
  if (found.layer.id === "duty") return popup(found, `${said.name} · ${words.seen} ${said.seen_at.slice(11, 16)}`);
  if (found.layer.id === "singles" && said.number) return open("number", said.number);
  if (found.layer.id === "singles") return map.easeTo({ center: found.geometry.coordinates, zoom: config.from.cases });
  return open("code", said.code);
}

function popup(found, text) {
  const at = found.geometry.type === "Point" ? found.geometry.coordinates : map.getCenter();
  new maplibre.Popup({ closeButton: true, maxWidth: "20rem" }).setLngLat(at).setText(text).addTo(map);
  announce(text);
}

/** The sheet beside the map: a cell or area by its code, a case by its number. */
async function open(key, value) {
  state.pick = value;
  keep();
  mark(key === "code" ? value : "");
  const answer = await fetch(`${config.place}?${key}=${encodeURIComponent(value)}`);
  if (!answer.ok) return close();
  place.innerHTML = await answer.text();
  place.hidden = false;
  place.scrollIntoView({ block: "nearest" });
  place.querySelector("[data-close]")?.addEventListener("click", close);
}
function close() {
  state.pick = "";
  keep();
  mark("");
  place.hidden = true;
}
function mark(code) {
  if (map.getLayer("cell-picked")) map.setFilter("cell-picked", ["==", ["get", "code"], code]);
}

map.on("click", (event) => pick(event.point));
map.on("mousemove", (event) => {
  const over = map.queryRenderedFeatures(event.point, { layers: PICKABLE.filter((id) => map.getLayer(id)) });
  map.getCanvas().style.cursor = over.length ? "pointer" : "";
});
// From the keyboard the middle of the map is what is meant.
map.getCanvas().addEventListener("keydown", (event) => {
  if (event.key === "Enter") pick(map.project(map.getCenter()));
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !place.hidden) close();
});

// ---- The tools

/** Each hue with where it begins. */
function scale(here) {
  const { from, hues } = SCALES[state.colour];
  const label = (n, i) => (state.colour === "share" ? `${Math.round(n * 100)}%` : i === 1 ? "1" : String(n * TIMES[here]));
  return hues.map((colour, i) => [colour, label(from[i], i)]);
}

function legend() {
  const box = document.getElementById("legend");
  box.replaceChildren();
  if (state.colour === "none") return;
  const here = kind(Math.floor(map.getZoom()));
  if (state.colour === "grade" && !config.grades[here].length) return box.append(words.ungraded);
  const steps = state.colour === "grade" ? grades(here).map(([grade, colour]) => [colour, grade]) : scale(here);
  const title = document.createElement("span");
  title.textContent = words[here];
  const list = document.createElement("ol");
  for (const [colour, label] of steps) {
    const item = document.createElement("li"), swatch = document.createElement("i");
    swatch.style.background = colour;
    item.append(swatch, label);
    list.append(item);
  }
  box.append(title, list);
}

function show() {
  for (const [layer, ids] of Object.entries(LAYERS)) {
    for (const id of ids) if (map.getLayer(id)) map.setLayoutProperty(id, "visibility", shown(layer) ? "visible" : "none");
  }
  map.setPaintProperty("cells", "fill-color", hue());
  document.getElementById("heat").hidden = !shown("heat");
  document.getElementById("span").textContent = period().join(" – ");
  legend();
  watch();
}

let watching = 0;
/** Where people are is asked only while somebody wants to see it, and each time is logged. */
async function watch() {
  clearTimeout(watching);
  if (!config.duty || !shown("duty")) return;
  const answer = await fetch(config.duty);
  if (answer.ok) map.getSource("duty").setData(await answer.json());
  watching = setTimeout(watch, 60_000);
}

function say() {
  for (const input of tools.querySelectorAll("[name=colour]")) input.checked = input.value === state.colour;
  for (const input of tools.querySelectorAll("[name=layer]")) input.checked = shown(input.value);
  tools.elements.by.value = state.by;
  tools.elements.days.value = state.days;
  tools.elements.ago.value = state.ago;
}
// Enter goes to the first that is found: at once, or when the answer to what was typed last is there.
let fresh = false, going = false;
const first = () => document.querySelector("#found button")?.click();
tools.addEventListener("submit", (event) => {
  event.preventDefault();
  if (fresh) first();
  else going = tools.elements.q.value.trim() !== "";
});
tools.elements.q.addEventListener("input", () => (fresh = going = false));
document.getElementById("found").addEventListener("htmx:afterSwap", () => {
  fresh = true;
  if (going) first();
  going = false;
});
tools.addEventListener("input", (event) => {
  if (event.target.name === "ago") {
    state.ago = event.target.value;
    document.getElementById("span").textContent = period().join(" – ");
  }
});
tools.addEventListener("change", (event) => {
  const { name, value } = event.target;
  if (name === "q") return;
  if (name === "layer") state.layers = [...tools.querySelectorAll("[name=layer]:checked")].map((input) => input.value).sort().join(" ");
  else state[name] = value;
  keep();
  if (["by", "days", "ago"].includes(name)) map.getSource("heat").setTiles(heatTiles());
  show();
});
document.getElementById("found").addEventListener("click", (event) => {
  const found = event.target.closest("button");
  if (!found) return;
  const { lon, lat, number, code = "" } = found.dataset; // a road has neither
  const zoom = number || !code || code.length > config.digits.community ? 16.5 : code.length > config.digits.street ? 14.5 : 12.5;
  map.easeTo({ center: [Number(lon), Number(lat)], zoom });
  if (number) open("number", number);
  else if (code) open("code", code);
  document.getElementById("found").replaceChildren();
});
document.getElementById("whole")?.addEventListener("click", () => map.fitBounds([[west, south], [east, north]], fit));
for (const button of tools.querySelectorAll("[data-ground]")) {
  const [, box] = config.grounds[Number(button.dataset.ground)];
  button.addEventListener("click", () => map.fitBounds([box.slice(0, 2), box.slice(2)], fit));
}

map.on("zoom", () => {
  if (legend.at !== kind(Math.floor(map.getZoom()))) legend();
  legend.at = kind(Math.floor(map.getZoom()));
});
map.on("load", () => {
  say();
  show();
  if (state.pick) open(/^\d+$/.test(state.pick) ? "code" : "number", state.pick);
  document.getElementById("map").dataset.ready = "yes";
});
// What is late grows by itself: the tiles that may have changed are asked again, unchanged ones cost nothing.
setInterval(() => {
  if (document.visibilityState === "visible") for (const id of ["cells", "cases"]) map.refreshTiles(id);
}, 60_000);
