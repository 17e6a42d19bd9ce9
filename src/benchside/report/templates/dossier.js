"use strict";
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const options = { ast: true, actions: false, renderer: "svg" };
  for (const place of document.querySelectorAll(".chart")) {
    vegaEmbed(place, read("spec-" + place.dataset.spec), options).catch((error) => {
      place.textContent = "This chart could not be drawn: " + error.message;
    });
  }

  const PAGE = 20, POINTS = 60, WIDTH = 240, HEIGHT = 150, LEFT = 28, BOTTOM = 26, TOP = 6, RIGHT = 8, ZERO = 16;
  const BLUE = "#0072B2", VERMILION = "#D55E00", GREY = "#767676", INK = "#222", LETTER = 5.2;
  const SVG = "http://www.w3.org/2000/svg";
  const make = (name, attributes, text) => {
    const element = document.createElementNS(SVG, name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const digits = (value) => (Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3))));

  // The response of a curve at a natural log dose. An asymmetry is a power, so placed that the share is one half at the midpoint.
  const responseOf = ([top, bottom, slope, middle, power]) => {
    const g = power === null || power === undefined ? 1 : power, half = Math.LN2 / g;
    const shift = half > 30 ? half : Math.log(Math.expm1(half));
    return (at) => {
      const u = slope * (at - Math.log(middle)) + shift;
      return bottom + (top - bottom) * Math.exp(-g * (u > 30 ? u : Math.log1p(Math.exp(u))));
    };
  };

  const grid = (range, count) => {
    const from = Math.log(range[0]), to = Math.log(range[1]);
    return Array.from({ length: count }, (_, k) => from + ((to - from) * k) / (count - 1));
  };

  // Ticks of the dose axis: decades, thinned out to what has room; 1, 2 and 5 where the doses span little.
  const doseTicks = (low, high, room) => {
    const span = high - low, found = [];
    if (span < 1.6) {
      for (let power = Math.floor(low); power <= high; power++)
        for (const lead of [1, 2, 5]) found.push(lead * 10 ** power);
    } else {
      const widest = LETTER * Math.max(...[low, high].map((end) => digits(10 ** Math.round(end)).length)) + 6;
      const step = Math.max(1, Math.ceil((widest * span) / room));
      for (let power = Math.ceil(low); power <= high; power += step) found.push(10 ** power);
    }
    return found.filter((dose) => Math.log10(dose) >= low && Math.log10(dose) <= high);
  };

  const responseTicks = (lowest, tallest) => {
    const rough = (tallest - lowest) / 3, power = 10 ** Math.floor(Math.log10(rough));
    const step = tallest - lowest <= 1.6 ? 0.5 : power * [1, 2, 5, 10].find((lead) => lead * power >= rough);
    const found = [];
    for (let k = Math.ceil(lowest / step); k * step <= tallest; k++) found.push(Number((k * step).toPrecision(6)));
    return found;
  };

  const draw = (curve) => {
    const svg = make("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": "dose-response curve of " + curve.id });
    const doses = (curve.x || []).filter((dose) => dose > 0), responses = (curve.y || []).filter((value) => value !== null);
    if (!doses.length) return svg;
    const low = Math.log10(Math.min(...doses)) - 0.12, high = Math.log10(Math.max(...doses)) + 0.12;
    const left = LEFT + (curve.x.includes(0) ? ZERO : 0);
    const fitted = curve.shape ? grid(curve.range, POINTS).map((at) => [at, responseOf(curve.shape)(at)]) : [];
    const values = [...responses, ...fitted.map((point) => point[1])];
    const floor = Math.min(0, ...values), ceiling = Math.max(1, ...values), air = 0.07 * (ceiling - floor);
    const lowest = floor - (floor < 0 ? air : 0.02), tallest = ceiling + air;
    const x = (dose) => (dose > 0 ? left + ((Math.log10(dose) - low) / (high - low)) * (WIDTH - left - RIGHT) : LEFT + ZERO / 2);
    const y = (share) => TOP + (1 - (share - lowest) / (tallest - lowest)) * (HEIGHT - TOP - BOTTOM);
    const small = { "font-size": 9, fill: "#555" }, base = HEIGHT - BOTTOM, grey = { stroke: "#bbb", "stroke-width": 1 };
    svg.append(make("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: base, y2: base, ...grey }), make("line", { x1: LEFT, x2: LEFT, y1: TOP, y2: base, ...grey }));
    svg.append(make("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(0.5), y2: y(0.5), stroke: "#aaa", "stroke-dasharray": "2 3" }));
    for (const share of responseTicks(lowest, tallest)) {
      svg.append(make("line", { x1: LEFT - 3, x2: LEFT, y1: y(share), y2: y(share), ...grey }));
      svg.append(make("text", { x: LEFT - 5, y: y(share) + 3, "text-anchor": "end", ...small }, share));
    }
    for (const dose of [...(left > LEFT ? [0] : []), ...doseTicks(low, high, WIDTH - left - RIGHT)]) {
      svg.append(make("line", { x1: x(dose), x2: x(dose), y1: base, y2: base + 3, ...grey }));
      const text = digits(dose), end = x(dose) + (LETTER * text.length) / 2 > WIDTH;
      svg.append(make("text", { x: end ? WIDTH - 1 : x(dose), y: base + 12, "text-anchor": end ? "end" : "middle", ...small }, text));
    }
    svg.append(make("text", { x: (LEFT + WIDTH) / 2, y: HEIGHT - 3, "text-anchor": "middle", ...small }, "concentration (nM)"));
    // What leaves the frame is cut by it: an svg within the svg does that without a name that two panels could share.
    const frame = make("svg", { x: LEFT, y: TOP, width: WIDTH - LEFT - RIGHT, height: base - TOP, viewBox: `${LEFT} ${TOP} ${WIDTH - LEFT - RIGHT} ${base - TOP}` });
    svg.append(frame);
    const place = (at, share) => `${x(Math.exp(at)).toFixed(1)},${y(share).toFixed(1)}`;
    if (curve.band) {
      const middle = grid(curve.range, curve.band.length).map((at) => [at, responseOf(curve.shape)(at)]);
      const edge = (sign) => middle.map(([at, share], k) => place(at, share + sign * curve.band[k]));
      frame.append(make("polygon", { points: [...edge(1), ...edge(-1).reverse()].join(" "), fill: BLUE, "fill-opacity": 0.18, class: "band" }));
    }
    if (fitted.length) frame.append(make("polyline", { points: fitted.map(([at, share]) => place(at, share)).join(" "), fill: "none", stroke: BLUE, "stroke-width": 1.8 }));
    const struck = new Set(curve.out), flagged = new Set(curve.flag);
    curve.x.forEach((dose, k) => {
      if (!(dose >= 0) || curve.y[k] === null) return;
      const at = { cx: x(dose), cy: y(curve.y[k]) };
      if (struck.has(k)) {
        svg.append(make("path", { d: `M${at.cx - 3.5} ${at.cy - 3.5}l7 7m0 -7l-7 7`, stroke: "#999", "stroke-width": 1.6, fill: "none", class: "struck" }));
        return;
      }
      svg.append(make("circle", { ...at, r: 2.3, fill: INK, "fill-opacity": 0.75 }));
      if (flagged.has(k)) svg.append(make("circle", { ...at, r: 5, fill: "none", stroke: VERMILION, "stroke-width": 1.4, class: "ring" }));
    });
    mark(svg, curve, { x, y: y(0.5), first: x(Math.min(...doses)), last: x(Math.max(...doses)), range: [Math.min(...doses), Math.max(...doses)] });
    return svg;
  };

  // The IC50 on the line of one half: a diamond with its bar, or an arrow at the end of the doses it lies beyond.
  const mark = (svg, curve, at) => {
    const [value, relation, lower, upper] = curve.ic50;
    const arrow = (place, way) => svg.append(make("path", { d: `M${place + 7 * way} ${at.y}l${-7 * way} -4.5v9z`, fill: VERMILION, class: "arrow" }));
    if (value === null) return;
    if (relation === ">") return arrow(at.last, 1);
    if (relation === "<") return arrow(at.first, -1);
    const openLow = lower === null || lower < at.range[0], openHigh = upper === null || upper > at.range[1];
    const from = openLow ? at.first : at.x(lower), to = openHigh ? at.last : at.x(upper);
    svg.append(make("line", { x1: from, x2: to, y1: at.y, y2: at.y, stroke: VERMILION, "stroke-width": 2.5 }));
    if (openLow) arrow(at.first, -1);
    if (openHigh) arrow(at.last, 1);
    svg.append(make("path", { d: `M${at.x(value)} ${at.y - 5}l4 5l-4 5l-4 -5z`, fill: VERMILION }));
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
    const add = (name, text, kind, where = box) => {
      const element = document.createElement(name);
      element.textContent = text;
      if (kind) element.className = kind;
      where.append(element);
      return element;
    };
    add("h4", curve.id).title = curve.id;
    box.append(draw(curve));
    add("p", describe(curve), curve.ic50[0] !== null && curve.ic50[1] === "=" ? "value" : "value bound");
    if (curve.status !== "ok") {
      const first = curve.status.indexOf(". ");
      if (first < 0) add("p", curve.status, "said");
      else {
        const said = add("details", "", "said");
        add("summary", curve.status.slice(0, first + 1) + " …", "", said);
        add("span", curve.status.slice(first + 2), "", said);
      }
    } else add("p", "", "said");
    add("p", "id " + curve.number, "id");
    return box;
  };

  const within = (curve) => curve.ic50[0] !== null && curve.ic50[1] === "=";
  const KINDS = {
    "all curves": () => true,
    "IC50 within the doses": within,
    "IC50 beyond the doses": (curve) => curve.ic50[0] !== null && !within(curve),
    "no IC50": (curve) => curve.ic50[0] === null,
    "with a remark": (curve) => curve.status !== "ok",
    "with a point that stands out": (curve) => Boolean(curve.flag),
    "with an excluded point": (curve) => Boolean(curve.out),
  };
  const strength = (curve) => (curve.ic50[0] === null ? Infinity : curve.ic50[1] === ">" ? 1e30 + curve.ic50[0] : curve.ic50[1] === "<" ? -1 : curve.ic50[0]);
  const ORDERS = {
    "in the order of the table": (curves) => curves,
    "most potent first": (curves) => [...curves].sort((a, b) => strength(a) - strength(b) || 0),
    "by name": (curves) => [...curves].sort((a, b) => a.id.localeCompare(b.id, "en", { numeric: true })),
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
    const choice = (label, names) => {
      const element = document.createElement("select");
      element.setAttribute("aria-label", label);
      for (const name of names) element.add(new Option(name, name));
      element.addEventListener("change", choose);
      return element;
    };
    const choose = () => {
      const words = filter.value.toLowerCase().split(/\s+/);
      const found = all.filter((curve) => KINDS[kind.value](curve) && words.every((word) => curve.id.toLowerCase().includes(word)));
      shown = ORDERS[order.value](found);
      page = 0;
      render();
    };
    const back = button("Previous", -1), next = button("Next", 1);
    const count = document.createElement("span");
    const filter = document.createElement("input");
    filter.type = "search";
    filter.placeholder = "Find by name";
    filter.setAttribute("aria-label", "Find curves by words of their names");
    filter.addEventListener("input", choose);
    const kind = choice("Which curves", Object.keys(KINDS).filter((name, k) => k === 0 || all.some(KINDS[name])));
    const order = choice("Order", Object.keys(ORDERS));
    pager.append(count, filter, kind, order);
    const render = () => {
      const pages = Math.max(1, Math.ceil(shown.length / PAGE));
      page = Math.min(Math.max(page, 0), pages - 1);
      back.disabled = page === 0;
      next.disabled = page >= pages - 1;
      count.textContent = `${shown.length.toLocaleString("en")} curves, page ${page + 1} of ${pages}`;
      panels.replaceChildren(...shown.slice(page * PAGE, (page + 1) * PAGE).map(panel));
    };
    if (all.length <= PAGE) pager.hidden = true;
    place.replaceChildren(pager, panels);
    render();
  }
})();
