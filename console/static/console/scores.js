// The charts of one subject's own past. The table below them says the same.
const said = JSON.parse(document.getElementById("chart").textContent);
const hue = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const HUES = ["#2f6f9f", "#c2740c", "#12734a", "#7a4fa0", "#a33b4f"];
const SHAPES = ["circle", "rect", "triangle", "diamond", "roundRect"];

function frame() {
  return {
    animation: false,
    aria: { enabled: true },
    textStyle: { fontFamily: "inherit", color: hue("--muted") },
    grid: { left: 8, right: 16, top: 40, bottom: 4, containLabel: true },
    legend: { top: 0, left: 0, type: "scroll", itemWidth: 16, itemHeight: 8, textStyle: { color: hue("--muted") } },
    tooltip: { trigger: "axis", confine: true, valueFormatter: (value) => value ?? "—" },
    xAxis: { type: "category", data: said.periods, axisLine: { lineStyle: { color: hue("--line") } }, axisTick: { show: false }, axisLabel: { color: hue("--muted") } },
    yAxis: { type: "value", min: 0, max: 100, axisLabel: { color: hue("--muted") }, splitLine: { lineStyle: { color: hue("--line") } } },
  };
}
const line = (name, values, n) => ({ name, type: "line", data: values, symbol: SHAPES[n % SHAPES.length], symbolSize: 7, connectNulls: false, lineStyle: { color: HUES[n % HUES.length], width: 2 }, itemStyle: { color: HUES[n % HUES.length] } });

const plots = ["points", "rates"].map((id) => window.echarts.init(document.getElementById(id), null, { renderer: "svg" }));
plots[0].setOption({
  ...frame(),
  legend: { show: false },
  grid: { left: 8, right: 28, top: 12, bottom: 4, containLabel: true },
  series: [{
    ...line(said.points.name, said.points.values, 0),
    markLine: { silent: true, symbol: "none", lineStyle: { color: hue("--faint"), type: "dashed", width: 1 }, data: said.grades.filter(([, low]) => low > 0).map(([letter, low]) => ({ yAxis: low, label: { formatter: letter, color: hue("--muted") } })) },
  }],
});
plots[1].setOption({ ...frame(), series: said.rates.map(({ name, values }, n) => line(name, values, n)) });
new ResizeObserver(() => plots.forEach((plot) => plot.resize())).observe(document.querySelector("main"));
