"use strict";
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const options = { ast: true, actions: false, renderer: "svg" };
  for (const place of document.querySelectorAll(".chart")) {
    vegaEmbed(place, read("spec-" + place.dataset.spec), options).catch((error) => {
      place.textContent = "This chart could not be drawn: " + error.message;
    });
  }

  const PAGE = 20, POINTS = 60, WIDTH = 240, HEIGHT = 150, LEFT = 30, BOTTOM = 26, TOP = 6, RIGHT = 8;
  const SVG = "http://www.w3.org/2000/svg";
  const make = (name, attributes, text) => {
    const element = document.createElementNS(SVG, name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const digits = (value) => (Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3))));

  const draw = (curve) => {
    const svg = make("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": "dose-response curve" });
    const doses = curve.x.filter((dose) => dose > 0);
    if (!doses.length) return svg;
    const low = Math.log10(Math.min(...doses)) - 0.1, high = Math.log10(Math.max(...doses)) + 0.1;
    const tallest = Math.max(1.2, ...curve.y), lowest = Math.min(0, ...curve.y);
    const x = (dose) => LEFT + ((Math.log10(dose) - low) / (high - low)) * (WIDTH - LEFT - RIGHT);
    const y = (share) => TOP + (1 - (share - lowest) / (tallest - lowest)) * (HEIGHT - TOP - BOTTOM);
    const grey = { stroke: "#bbb", "stroke-width": 1 };
    svg.append(make("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(lowest), y2: y(lowest), ...grey }));
    svg.append(make("line", { x1: LEFT, x2: LEFT, y1: TOP, y2: y(lowest), ...grey }));
    svg.append(make("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(0.5), y2: y(0.5), stroke: "#aaa", "stroke-dasharray": "2 3" }));
    for (const share of [0, 0.5, 1]) svg.append(make("text", { x: LEFT - 4, y: y(share) + 3, "font-size": 9, "text-anchor": "end", fill: "#555" }, share));
    const step = Math.max(1, Math.ceil((high - low) / 5));
    for (let power = Math.ceil(low); power <= high; power += step)
      svg.append(make("text", { x: Math.min(x(10 ** power), WIDTH - 16), y: HEIGHT - BOTTOM + 12, "font-size": 9, "text-anchor": "middle", fill: "#555" }, digits(10 ** power)));
    svg.append(make("text", { x: (LEFT + WIDTH) / 2, y: HEIGHT - 3, "font-size": 9, "text-anchor": "middle", fill: "#555" }, "concentration (nM)"));
    if (curve.shape) {
      const [top, bottom, slope, middle] = curve.shape;
      const from = Math.log(curve.range[0]), to = Math.log(curve.range[1]), line = [];
      for (let k = 0; k < POINTS; k++) {
        const at = from + ((to - from) * k) / (POINTS - 1);
        const share = bottom + (top - bottom) / (1 + Math.exp(Math.min(700, Math.max(-700, slope * (at - Math.log(middle))))));
        line.push(`${x(Math.exp(at)).toFixed(1)},${y(Math.min(tallest, Math.max(lowest, share))).toFixed(1)}`);
      }
      svg.append(make("polyline", { points: line.join(" "), fill: "none", stroke: "#0072B2", "stroke-width": 1.8 }));
    }
    const struck = new Set(curve.out);
    curve.x.forEach((dose, k) => {
      if (!(dose > 0) || curve.y[k] === null) return;
      if (struck.has(k)) {
        const d = `M${x(dose) - 3.5} ${y(curve.y[k]) - 3.5}l7 7m0 -7l-7 7`;
        svg.append(make("path", { d, stroke: "#999", "stroke-width": 1.6, fill: "none" }));
      } else svg.append(make("circle", { cx: x(dose), cy: y(curve.y[k]), r: 2.3, fill: "#222", "fill-opacity": 0.75 }));
    });
    const [value, relation, lower, upper] = curve.ic50;
    if (value !== null && relation === "=") {
      const ends = [lower === null ? 10 ** low : Math.max(lower, 10 ** low), upper === null ? 10 ** high : Math.min(upper, 10 ** high)];
      svg.append(make("line", { x1: x(ends[0]), x2: x(ends[1]), y1: y(0.5), y2: y(0.5), stroke: "#D55E00", "stroke-width": 2.5 }));
      const d = `M${x(value)} ${y(0.5) - 5}l4 5l-4 5l-4 -5z`;
      svg.append(make("path", { d, fill: "#D55E00" }));
    }
    return svg;
  };

  const describe = (curve) => {
    const [value, relation, lower, upper] = curve.ic50;
    if (value === null) return "IC50: none";
    if (relation !== "=") return `IC50 ${relation} ${digits(value)} nM`;
    return `IC50 ${digits(value)} nM (${lower === null ? "open" : digits(lower)} to ${upper === null ? "open" : digits(upper)})`;
  };

  const panel = (curve) => {
    const box = document.createElement("div");
    box.className = "panel";
    const add = (name, text, kind) => {
      const element = document.createElement(name);
      element.textContent = text;
      if (kind) element.className = kind;
      box.append(element);
    };
    add("h4", curve.id);
    box.append(draw(curve));
    add("p", describe(curve), "value");
    if (curve.status !== "ok") add("p", curve.status, "said");
    add("p", "id " + curve.number);
    return box;
  };

  for (const place of document.querySelectorAll(".gallery")) {
    const all = read("gallery-data");
    let shown = all, page = 0;
    const panels = document.createElement("div");
    panels.className = "panels";
    const pager = document.createElement("div");
    pager.className = "pager";
    const button = (text, move) => {
      const element = document.createElement("button");
      element.type = "button";
      element.textContent = text;
      element.addEventListener("click", () => { page += move; render(); });
      pager.append(element);
      return element;
    };
    const back = button("Previous", -1), next = button("Next", 1);
    const count = document.createElement("span");
    const filter = document.createElement("input");
    filter.type = "search";
    filter.placeholder = "Find a curve";
    filter.setAttribute("aria-label", "Find a curve by its name");
    filter.addEventListener("input", () => {
      const words = filter.value.toLowerCase();
      shown = all.filter((curve) => curve.id.toLowerCase().includes(words));
      page = 0;
      render();
    });
    pager.append(count, filter);
    const render = () => {
      const pages = Math.max(1, Math.ceil(shown.length / PAGE));
      page = Math.min(Math.max(page, 0), pages - 1);
      back.disabled = page === 0;
      next.disabled = page >= pages - 1;
      count.textContent = `${shown.length} curves, page ${page + 1} of ${pages}`;
      panels.replaceChildren(...shown.slice(page * PAGE, (page + 1) * PAGE).map(panel));
    };
    if (all.length <= PAGE) pager.hidden = true;
    place.replaceChildren(pager, panels);
    render();
  }
})();
