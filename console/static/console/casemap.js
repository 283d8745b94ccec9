// Where a case is, on a map that can be moved. Where there is no WebGL the drawing stays, and on paper it always does.
import * as maplibre from "./maplibre.js";

const place = document.querySelector("[data-place]");
const shapes = JSON.parse(place.dataset.place);
const roads = place.dataset.roads;

function of(kind) {
  return ["==", ["get", "kind"], kind];
}

/** West, south, east and north of all that is drawn. */
function bounds(coordinates, box = [180, 90, -180, -90]) {
  if (typeof coordinates[0] !== "number") return coordinates.reduce((sofar, one) => bounds(one, sofar), box);
  const [x, y] = coordinates;
  return [Math.min(box[0], x), Math.min(box[1], y), Math.max(box[2], x), Math.max(box[3], y)];
}

const STREETS = { type: "vector", tiles: [location.origin + roads], minzoom: 9, maxzoom: 16, attribution: place.dataset.attribution };
const width = ["interpolate", ["exponential", 1.6], ["zoom"], 12, 1, 16, 5, 19, 26];
const style = {
  version: 8,
  sources: { shapes: { type: "geojson", data: shapes }, ...(roads ? { roads: STREETS } : {}) },
  layers: [
    { id: "ground", type: "background", paint: { "background-color": "#eef1f3" } },
    { id: "cell", type: "fill", source: "shapes", filter: of("cell"), paint: { "fill-color": "#cfe6ef", "fill-opacity": 0.7 } },
    ...(roads ? [{ id: "roads", type: "line", source: "roads", "source-layer": "roads", layout: { "line-cap": "round" }, paint: { "line-color": "#fff", "line-width": width } }] : []),
    { id: "edge", type: "line", source: "shapes", filter: of("cell"), paint: { "line-color": "#0b5f7d", "line-width": 1.5 } },
    { id: "component", type: "circle", source: "shapes", filter: of("component"), paint: { "circle-radius": 9, "circle-color": "rgba(0,0,0,0)", "circle-stroke-color": "#5b4a9c", "circle-stroke-width": 2.5 } },
    { id: "halo", type: "circle", source: "shapes", filter: of("point"), paint: { "circle-radius": 13, "circle-color": "#b3261e", "circle-opacity": 0.18 } },
    { id: "point", type: "circle", source: "shapes", filter: of("point"), paint: { "circle-radius": 5.5, "circle-color": "#b3261e", "circle-stroke-color": "#fff", "circle-stroke-width": 1.5 } },
  ],
};

const box = document.createElement("div");
box.className = "casemap noprint";
try {
  place.before(box);
  const [west, south, east, north] = bounds(shapes.features.map((one) => one.geometry.coordinates));
  const map = new maplibre.Map({
    container: box, style, bounds: [[west, south], [east, north]], fitBoundsOptions: { padding: 24, maxZoom: 18 },
    maxZoom: 19, dragRotate: false, pitchWithRotate: false, touchPitch: false, cooperativeGestures: true, locale: JSON.parse(document.getElementById("map-words").textContent),
    attributionControl: false, fadeDuration: 0,
  });
  map.touchZoomRotate.disableRotation();
  if (roads) map.addControl(new maplibre.AttributionControl({ compact: true }));
  map.addControl(new maplibre.ScaleControl(), "top-left");
  map.addControl(new maplibre.NavigationControl({ showCompass: false }), "top-right");
  place.classList.add("onpaper");
} catch {
  box.remove();
}
