#include "report/run_page_scripts.h"

namespace wavemt {

const char* const kRunPageStyle = R"css(h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
.scroll { overflow-x: auto; }
.runs td { min-width: 12rem; }
code, pre { font: .875em/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { overflow-x: auto; padding: .75rem; border: 1px solid var(--rule); }
details { margin: .75rem 0; }
.sample { vertical-align: middle; max-width: none; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: .25rem 0 0; padding: 0;
          list-style: none; font-size: .875rem; overflow-wrap: anywhere; }
.reading { min-height: 1.5em; margin: 0; font-size: .875rem; font-variant-numeric: tabular-nums; }
svg[data-steps] { touch-action: pan-y; }
.sentence { margin-bottom: 1.25rem; }
.sentence td { width: 100%; min-width: 14rem; }
.quiet { opacity: .75; font-size: .875rem; }
@media (max-width: 40rem) { .runs th { white-space: normal; min-width: 7rem; } }
@media (max-width: 30rem) { .chart svg { font-size: 15px; } }
@media print { .reading { display: none; } .sentence, tr { break-inside: avoid; } }
)css";

const char* const kReadingScript = R"js(<script>
"use strict";
for (const svg of document.querySelectorAll("svg[data-steps]")) {
  const [low, high, start, end, top, bottom] = svg.dataset.steps.split(" ").map(Number);
  const curves = [...svg.querySelectorAll("[data-values]")].map(curve => {
    const numbers = curve.dataset.values.split(" ").map(Number);
    const points = [];
    for (let i = 0; i + 1 < numbers.length; i += 2) points.push([numbers[i], numbers[i + 1]]);
    return {name: curve.dataset.name, points};
  }).filter(curve => curve.points.length > 0);
  const line = svg.querySelector("line").cloneNode();
  line.setAttribute("y1", top);
  line.setAttribute("y2", bottom);
  line.setAttribute("opacity", "0");
  svg.append(line);
  const reading = document.createElement("p");
  reading.className = "reading";
  svg.after(reading);
  const nearest = (points, step) => points.reduce((best, point) =>
    Math.abs(point[0] - step) < Math.abs(best[0] - step) ? point : best);
  const read = event => {
    if (curves.length === 0) return;
    const box = svg.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
    const step = low + (Math.min(Math.max(x, start), end) - start) / (end - start) * (high - low);
    const found = curves.map(curve => [...nearest(curve.points, step), curve.name]);
    const shown = nearest(found, step)[0];
    const at = start + (shown - low) / (high - low) * (end - start);
    line.setAttribute("x1", at);
    line.setAttribute("x2", at);
    line.setAttribute("opacity", "0.6");
    // A curve that has no value at this step says at which step its nearest one is.
    reading.textContent = `step ${shown.toLocaleString("en")}: ` + found.map(([own, value, name]) =>
      `${name} ${value}` + (own === shown ? "" : ` (step ${own.toLocaleString("en")})`)).join(", ");
  };
  svg.addEventListener("pointerdown", read);
  svg.addEventListener("pointermove", read);
  svg.addEventListener("pointerleave", event => {
    if (event.pointerType !== "mouse") return;
    line.setAttribute("opacity", "0");
    reading.textContent = "";
  });
}
</script>
)js";

const char* const kLiveScript = R"js(<script>
"use strict";
{
  const stamp = document.querySelector("meta[name=stamp]").content;
  const live = document.getElementById("live");
  const details = [...document.querySelectorAll("details")];
  const kept = JSON.parse(sessionStorage.getItem("place") || "null");
  if (kept) {
    kept.open.forEach(index => { if (details[index]) details[index].open = true; });
    scrollTo(0, kept.top);
  }
  setInterval(async () => {
    try {
      const answer = await fetch("stamp", {cache: "no-store"});
      if (!answer.ok) throw new Error();
      live.textContent = live.dataset.text;
      if (await answer.text() === stamp) return;
      const open = [...details.keys()].filter(index => details[index].open);
      sessionStorage.setItem("place", JSON.stringify({open, top: scrollY}));
      location.reload();
    } catch {
      live.textContent = "Nobody serves this page any more; it shows what was there last.";
    }
  }, 2000);
}
</script>
)js";

}  // namespace wavemt
