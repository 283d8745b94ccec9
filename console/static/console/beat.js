// The cells of a beat, chosen on the map: a click takes one in, another lets it go. The list of codes is the truth.

import { Map as Chart, LngLatBounds } from "./maplibre.js";

const here = document.getElementById("beat");
const codes = document.querySelector("[name=cells]");
const street = document.getElementById("street");
const mine = () => new Set(codes.value.split(/\s+/).filter(Boolean));
const chart = new Chart({
  locale: JSON.parse(document.getElementById("map-words").textContent),
  container: here.querySelector(".map"),
  style: { version: 8, sources: {}, layers: [{ id: "ground", type: "background", paint: { "background-color": "#f3f6f8" } }] },
  attributionControl: false,
});

function paint() {
  const own = [...mine()];
  here.querySelector("[data-count]").textContent = own.length;
  const taken = ["in", ["get", "code"], ["literal", own]];
  if (!chart.getLayer("cells")) return;
  chart.setPaintProperty("cells", "fill-color", ["case", taken, "#0b5f7d", ["!=", ["get", "beats"], ""], "#b9c6d1", "#ffffff"]);
}

async function show() {
  const found = await (await fetch(`${here.dataset.cells}?street=${street.value}`)).json();
  chart.getSource("cells").setData(found);
  const bounds = new LngLatBounds();
  for (const { geometry } of found.features)
    for (const part of geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates) for (const ring of part) for (const at of ring) bounds.extend(at);
  if (!bounds.isEmpty()) chart.fitBounds(bounds, { padding: 20, animate: false });
  chart.once("idle", () => (here.dataset.shown = found.features.length));
  chart.triggerRepaint();
}

chart.on("load", async () => {
  chart.addSource("cells", { type: "geojson", data: { type: "FeatureCollection", features: [] } });
  chart.addLayer({ id: "cells", type: "fill", source: "cells", paint: { "fill-opacity": 0.75 } });
  chart.addLayer({ id: "edges", type: "line", source: "cells", paint: { "line-color": "#55677a", "line-width": 0.75 } });
  const { items } = await (await fetch(here.dataset.streets)).json();
  for (const row of items) street.add(new Option(`${row.name}${row.mine ? " ●" : ""}`, row.code, false, row.mine && !street.value));
  street.value = (items.find((row) => row.mine) ?? items[0])?.code ?? "";
  paint();
  await show();
});
chart.on("click", "cells", ({ features: [cell] }) => {
  const own = mine();
  const code = cell.properties.code;
  if (!own.delete(code)) own.add(code);
  codes.value = [...own].sort().join("\n");
  paint();
});
chart.on("mousemove", "cells", ({ features: [cell] }) => {
  chart.getCanvas().style.cursor = "pointer";
  chart.getCanvas().title = `${cell.properties.code} ${cell.properties.beats}`;
});
street.addEventListener("change", show);
codes.addEventListener("input", paint);
