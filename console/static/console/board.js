// The charts of the board, and how it keeps itself fresh: numbers are swapped in place, charts are told the news.
import { announce } from "./announce.js";

const live = document.getElementById("live");
const stale = document.getElementById("stale");
const hue = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const dark = document.documentElement.classList.contains("wall");
// Told apart by lightness and shape as well, for who does not see hues.
const FILED = dark ? "#5aa9d6" : "#2f6f9f", CLOSED = dark ? "#e5c07b" : "#e2a63d", RATE = dark ? "#7ee0b0" : "#12734a", LATE = dark ? "#ff7a6b" : "#c2410c", FINE = dark ? "#3d6f8e" : "#8fb4cc";

const plots = Object.fromEntries(["trend", "stages"].map((id) => [id, window.echarts.init(document.getElementById(id), null, { renderer: "svg" })]));
const read = () => JSON.parse(document.getElementById("chart").textContent);

function frame() {
  const size = dark ? 15 : 12;
  return {
    animation: false,
    aria: { enabled: true },
    textStyle: { fontFamily: "inherit", fontSize: size, color: hue("--muted") },
    grid: { left: 8, right: 14, top: 34, bottom: 4, containLabel: true },
    legend: { top: 0, right: 14, itemHeight: 10, itemWidth: 16, textStyle: { color: hue("--muted"), fontSize: size } },
    tooltip: { trigger: "axis", confine: true, backgroundColor: hue("--paper"), borderColor: hue("--line"), textStyle: { color: hue("--ink"), fontSize: size } },
  };
}
const axis = (more) => ({ axisLine: { lineStyle: { color: hue("--line") } }, axisTick: { show: false }, axisLabel: { color: hue("--muted"), fontSize: dark ? 14 : 11 }, splitLine: { lineStyle: { color: hue("--line") } }, ...more });

function draw() {
  const said = read(), words = said.words;
  plots.trend.setOption({
    ...frame(),
    xAxis: axis({ type: "category", data: said.days.map((day) => day.slice(5)), splitLine: { show: false } }),
    yAxis: [axis({ type: "value", minInterval: 1 }), axis({ type: "value", min: 0, max: 100, splitLine: { show: false }, axisLabel: { color: hue("--muted"), formatter: "{value} %", fontSize: dark ? 14 : 11 } })],
    series: [
      { name: words.came, type: "bar", data: said.came, itemStyle: { color: FILED }, barGap: "10%", barCategoryGap: "35%" },
      { name: words.closed, type: "bar", data: said.closed, itemStyle: { color: CLOSED } },
      { name: words.rate, type: "line", yAxisIndex: 1, data: said.rate, symbol: "circle", symbolSize: 5, connectNulls: false, lineStyle: { color: RATE, width: 2 }, itemStyle: { color: RATE } },
    ],
  });
  plots.stages.setOption({
    ...frame(),
    xAxis: axis({ type: "value", minInterval: 1 }),
    yAxis: axis({ type: "category", data: said.stages.map((stage) => stage.name), axisLabel: { color: hue("--ink"), fontSize: dark ? 13 : 12, interval: 0 } }),
    series: [
      { name: words.late, type: "bar", stack: "open", data: said.stages.map((stage) => stage.late), itemStyle: { color: LATE }, barMaxWidth: 18 },
      { name: words.fine, type: "bar", stack: "open", data: said.stages.map((stage) => stage.fine), itemStyle: { color: FINE }, barMaxWidth: 18 },
    ],
  });
}

plots.trend.on("click", ({ dataIndex }) => {
  const day = read().days[dataIndex];
  location.assign(`${read().list}?since=${day}&until=${day}`);
});
plots.stages.on("click", ({ dataIndex, seriesIndex }) => {
  const url = read().stages[dataIndex].url;
  location.assign(seriesIndex === 0 ? `${url}&late=1` : url);
});
new ResizeObserver(() => Object.values(plots).forEach((plot) => plot.resize())).observe(document.querySelector(".board"));

// ---- Fresh by itself

let unfolded = false;
let told = Date.now();
live.addEventListener("htmx:beforeSwap", () => (unfolded = document.getElementById("daily")?.open));
live.addEventListener("htmx:afterSwap", () => {
  document.getElementById("daily").open = unfolded;
  draw();
  told = Date.now();
  stale.hidden = true;
});
function late() {
  if (!stale.hidden) return;
  stale.querySelector("span").textContent = new Date(told).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
  stale.hidden = false;
  announce(stale.textContent);
}
for (const trouble of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) document.addEventListener(trouble, late);
draw();
