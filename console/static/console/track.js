// The track of a day, with a slider that says when. Where there is no WebGL the table stays.
import * as maplibre from "./maplibre.js";

const config = JSON.parse(document.getElementById("config").textContent);
const slide = document.getElementById("slide");
const when = document.getElementById("when");
const rows = [...document.querySelectorAll("[data-at]")];
const points = config.points;

/** A line for each shift: between two of them nobody knows where he was. */
function lines() {
  const shifts = new Map();
  for (const [lon, lat, , shift] of points) shifts.set(shift, [...(shifts.get(shift) ?? []), [lon, lat]]);
  return [...shifts.values()].map((coordinates) => ({ type: "Feature", properties: {}, geometry: { type: "LineString", coordinates } }));
}

const here = (n) => ({ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: points[n].slice(0, 2) } });
const collection = (features) => ({ type: "FeatureCollection", features });

function style() {
  const base = Object.fromEntries(config.base.map((tiles, n) => [`base${n}`, { type: "raster", tiles, tileSize: 256, maxzoom: 18 }]));
  const width = ["interpolate", ["exponential", 1.6], ["zoom"], 12, 1, 16, 5, 19, 26];
  const roads = { type: "vector", tiles: [location.origin + config.roads], minzoom: 9, maxzoom: 16, attribution: config.attribution };
  return {
    version: 8,
    sources: {
      ...base,
      ...(config.roads ? { roads } : {}),
      track: { type: "geojson", data: collection(lines()) },
      fixes: { type: "geojson", data: collection(points.map((_point, n) => here(n))) },
      here: { type: "geojson", data: here(points.length - 1) },
    },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": "#eef1f3" } },
      ...Object.keys(base).map((id) => ({ id, type: "raster", source: id, paint: { "raster-saturation": -0.6 } })),
      ...(config.roads ? [{ id: "roads", type: "line", source: "roads", "source-layer": "roads", layout: { "line-cap": "round" }, paint: { "line-color": "#fff", "line-width": width } }] : []),
      { id: "track", type: "line", source: "track", layout: { "line-join": "round", "line-cap": "round" }, paint: { "line-color": "#0b5f7d", "line-width": 3, "line-opacity": 0.75 } },
      { id: "fixes", type: "circle", source: "fixes", paint: { "circle-radius": 2.5, "circle-color": "#0b5f7d" } },
      { id: "here", type: "circle", source: "here", paint: { "circle-radius": 8, "circle-color": "#b3261e", "circle-stroke-color": "#fff", "circle-stroke-width": 2 } },
    ],
  };
}

function draw() {
  const lons = points.map(([lon]) => lon);
  const lats = points.map(([, lat]) => lat);
  const least = (numbers) => numbers.reduce((one, other) => Math.min(one, other));
  const most = (numbers) => numbers.reduce((one, other) => Math.max(one, other));
  const map = new maplibre.Map({
    container: "map", style: style(), bounds: [[least(lons), least(lats)], [most(lons), most(lats)]],
    fitBoundsOptions: { padding: 40, maxZoom: 17 }, maxZoom: 19, dragRotate: false, cooperativeGestures: true, locale: JSON.parse(document.getElementById("map-words").textContent), attributionControl: false, fadeDuration: 0,
  });
  if (config.attribution) map.addControl(new maplibre.AttributionControl({ compact: true }));
  map.addControl(new maplibre.ScaleControl(), "bottom-left");
  map.addControl(new maplibre.NavigationControl({ showCompass: false }), "top-right");
  return map;
}

let map;
try {
  map = draw();
} catch {
  document.getElementById("map").textContent = config.failed;
}

slide.addEventListener("input", () => {
  const n = Number(slide.value);
  when.textContent = rows[n].textContent;
  slide.setAttribute("aria-valuetext", when.textContent);
  map?.getSource("here")?.setData(here(n));
});
