// The playgrounds: sliders, a drawing and a sentence, in the page itself. No kernel, no library.
(() => {
  const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"];
  const fixed = (x, digits = 2) => {
    const shown = x.toFixed(digits);
    return (Number(shown) === 0 ? shown.replace("-", "") : shown).replace("-", "−");
  };
  const signed = (x, digits = 2) => (x < 0 ? "" : "+") + fixed(x, digits);

  // Drawings: strings of SVG in a picture 640 wide; colours of the page, so that both themes read.
  const tag = (name, about, inside = "") =>
    `<${name} ${Object.entries(about).map(([k, v]) => `${k}="${v}"`).join(" ")}>${inside}</${name}>`;
  const line = (x1, y1, x2, y2, more = {}) =>
    tag("line", { x1, y1, x2, y2, stroke: "currentColor", ...more });
  const dot = (x, y, r, fill) =>
    tag("circle", { cx: x, cy: y, r, fill, stroke: "currentColor", "stroke-width": 1 });
  const words = (x, y, text, more = {}) =>
    tag("text", { x, y, "text-anchor": "middle", fill: "currentColor", ...more }, text.replace(/&/g, "&amp;").replace(/</g, "&lt;"));
  const dashed = { "stroke-dasharray": "4 4", opacity: 0.6 };

  function scatter({ stretch, shift }, { prediction, target }) {
    const moved = prediction.map((p) => stretch * p + shift);
    const at = (x, y) => [320 + 45 * x, 170 - 25 * y];
    const [low, high] = [at(-3, -3), at(3, 3)];
    const points = moved.map((p, i) => dot(...at(target[i], Math.max(-6, Math.min(6, p))), 3.5, COLOURS[0]));
    const axes = [line(170, 170, 470, 170, dashed), line(320, 20, 320, 320, dashed), line(...low, ...high)];
    const names = [words(545, 174, "label →"), words(320, 338, "prediction ↑, cut at ±6")];
    const found = arithmetic.scores(moved, target);
    const says = Object.entries(found).map(([name, x]) => `${name} ${fixed(x, 3)}`).join(", ");
    return { drawing: [...axes, ...points, ...names], height: 345, says };
  }

  function stems({ before, here, after }, { signal }) {
    const convolved = arithmetic.convolve(signal, [before, here, after]);
    const wide = 560 / signal.length;
    const row = (values, zero, colour, name) => {
      const tallest = Math.max(1, ...values.map(Math.abs));
      const place = (v, t) => [60 + wide * (t + 0.5), zero - (48 * v) / tallest];
      const shown = values.map((v, t) => line(place(v, t)[0], zero, ...place(v, t), { stroke: colour, "stroke-width": 3 })
        + dot(...place(v, t), 5, colour) + words(place(v, t)[0], place(v, t)[1] - 10 * (v < 0 ? -2.2 : 1), fixed(v, 1)));
      return [words(8, zero - 62, name, { "text-anchor": "start" }), line(40, zero, 630, zero, dashed), ...shown];
    };
    const drawing = [...row(signal, 85, COLOURS[0], "x"), ...row(convolved, 245, COLOURS[1], "convolved")];
    return { drawing, height: 325, says: `convolved: ${convolved.map((v) => fixed(v, 1)).join(", ")}` };
  }

  function triplet({ positive, negative, margin }) {
    const found = arithmetic.hinge(positive, negative, margin);
    const at = (degrees, r) => [320 + r * Math.cos((degrees * Math.PI) / 180), 165 - r * Math.sin((degrees * Math.PI) / 180)];
    const code = (degrees, colour, name, reach) =>
      line(320, 165, ...at(degrees, 110), { stroke: colour, "stroke-width": 2 }) + dot(...at(degrees, 110), 9, colour)
      + words(...at(degrees, reach), name, { "dominant-baseline": "middle" });
    const ring = tag("circle", { cx: 320, cy: 165, r: 110, fill: "none", stroke: "currentColor", opacity: 0.5 });
    const drawing = [ring, code(0, COLOURS[0], "anchor", 158), code(positive, COLOURS[1], "positive", 142),
      code(negative, COLOURS[2], "negative", 142)];
    const sum = `max(0, ${fixed(margin)} − (${fixed(found.positive)}) + (${fixed(found.negative)}))`;
    return { drawing, height: 330, says: `the triplet costs ${sum} = ${fixed(found.loss)}` };
  }

  function graph({ language, vision, audio, temperature }) {
    const names = ["language", "vision", "audio"];
    const logits = [language, vision, audio];
    const { weights, loss } = arithmetic.softmin(logits, temperature);
    const places = [[320, 75], [480, 290], [160, 290]];
    const top = Math.max(...weights.flat());
    const edge = (i, j) => {
      const [[x1, y1], [x2, y2]] = [places[i], places[j]];
      const length = Math.hypot(x2 - x1, y2 - y1);
      const [ux, uy] = [(x2 - x1) / length, (y2 - y1) / length];
      const [sx, sy] = [uy * 13, -ux * 13]; // each way has a lane of its own
      const [from, to] = [34, length - 40];
      const strength = weights[i][j] / top;
      const ends = [x1 + ux * from + sx, y1 + uy * from + sy, x1 + ux * to + sx, y1 + uy * to + sy];
      const tip = [[0, 6 + 5 * strength], [10 + 6 * strength, 0], [0, -6 - 5 * strength]]
        .map(([a, b]) => `${ends[2] + ux * a + uy * b},${ends[3] + uy * a - ux * b}`).join(" ");
      const look = { "stroke-width": 1 + 7 * strength, opacity: 0.35 + 0.65 * strength };
      const label = words((x1 + x2) / 2 + sx * 2.6, (y1 + y2) / 2 + sy * 2.2 + 5, fixed(weights[i][j]));
      return line(...ends, look) + tag("polygon", { points: tip, fill: "currentColor", opacity: look.opacity }) + label;
    };
    const edges = names.flatMap((_, i) => names.map((_, j) => (i === j ? "" : edge(i, j))));
    const nodes = places.map(([x, y], i) => dot(x, y, 22, COLOURS[i])
      + words(x, i ? y + 42 : y - 32, `${names[i]} ${signed(logits[i], 1)}`));
    const wide = weights.flatMap((row, i) => row.map((w, j) => [w, `${names[i]} → ${names[j]}`])).sort((a, b) => b[0] - a[0]);
    return { drawing: [...edges, ...nodes], height: 345, says: `loss ${fixed(loss)}; most weight: ${wide[0][1]}, ${fixed(wide[0][0])}` };
  }

  function gates({ h1, h2, s1, s2 }) {
    const found = [[h1, s1], [h2, s2]].map(([h, s]) => ({ h, ...arithmetic.gated(h, s) }));
    const bar = (x, value, colour, name) => {
      const top = 150 - 28 * Math.max(0, value);
      return tag("rect", { x: x - 26, y: top, width: 52, height: Math.max(1, 28 * Math.abs(value)), fill: colour })
        + words(x, 150 - 28 * value + (value < 0 ? 22 : -8), fixed(value)) + words(x, 310, name);
    };
    const side = ({ h, gate, passed }, x, i) => bar(x, h, COLOURS[0], `h${i}`) + bar(x + 90, gate, COLOURS[4], `gate ${i}`)
      + bar(x + 180, passed, COLOURS[2], `gate × h${i}`);
    const drawing = [line(20, 150, 620, 150, dashed), side(found[0], 80, 1), side(found[1], 385, 2)];
    const says = found.map(({ h, gate, passed }) => `${fixed(h)} × ${fixed(gate)} = ${fixed(passed)}`).join("; ");
    return { drawing, height: 320, says };
  }

  // Of every arm of a curve, its difference from the base at one dose, with its interval.
  function map({ curve, dose }, { curves }) {
    const about = curves[curve];
    const at = Math.min(dose, about.doses.length - 1);
    const arms = Object.entries(about.arms);
    const reach = Math.max(0.06, ...arms.flatMap(([, d]) => d.map(([m, half]) => Math.abs(m) + half)));
    const x = (value) => 430 + (190 * value) / reach;
    const bottom = 40 + 30 * arms.length;
    const band = tag("rect", { x: x(-about.smallest), y: 22, width: x(about.smallest) - x(-about.smallest),
      height: bottom - 30, fill: "currentColor", opacity: 0.1 });
    const rows = arms.map(([name, differences], i) => {
      const [[middle, half], y] = [differences[at], 45 + 30 * i];
      return words(225, y + 5, name, { "text-anchor": "end" }) + line(x(middle - half), y, x(middle + half), y,
        { stroke: COLOURS[i % 6], "stroke-width": 4 }) + dot(x(middle), y, 6, COLOURS[i % 6]);
    });
    const better = about.measure === "mae" ? "← better" : "better →";
    const scale = words(320, bottom + 22, `${about.measure} minus that of ${about.base} (${better});`)
      + words(320, bottom + 46, "grey: too small to matter");
    const said = arms.map(([name, d]) => `${name} ${signed(d[at][0], 3)} ± ${fixed(d[at][1], 3)}`).join("; ");
    return { drawing: [band, line(x(0), 22, x(0), bottom - 8, dashed), ...rows, scale], height: bottom + 56,
      says: `${about.asks} At ${about.dial} = ${about.doses[at]}: ${said}. Over the whole curve: ${about.verdict}.` };
  }

  const KINDS = { scatter, stems, triplet, graph, gates, map };

  function mount(place) {
    place.classList.add("ready");
    const { kind, controls, data } = JSON.parse(place.dataset.about);
    const inputs = {};
    const panel = place.appendChild(document.createElement("div"));
    const picture = place.appendChild(document.createElement("div"));
    const sentence = place.appendChild(document.createElement("p"));
    sentence.setAttribute("aria-live", "polite");
    for (const [name, about] of Object.entries(controls)) {
      const label = panel.appendChild(document.createElement("label"));
      label.append(about.text + " ");
      const input = label.appendChild(document.createElement(about.options ? "select" : "input"));
      for (const option of about.options ?? []) input.add(new Option(option, option));
      if (!about.options) Object.assign(input, { type: "range", min: about.low, max: about.high, step: about.step });
      input.value = about.start;
      const shown = label.appendChild(document.createElement("output"));
      inputs[name] = { input, shown, about };
      input.addEventListener("input", draw);
    }
    function draw() {
      const values = {};
      for (const [name, { input, shown, about }] of Object.entries(inputs)) {
        values[name] = about.options ? input.value : Number(input.value);
        if (!about.options) shown.textContent = about.of ? "" : fixed(values[name], about.step < 1 ? 1 : 0);
      }
      const { drawing, height, says } = KINDS[kind](values, data);
      picture.innerHTML = `<svg viewBox="0 0 640 ${height}" role="img">${drawing.join("")}</svg>`;
      picture.firstChild.setAttribute("aria-label", says);
      sentence.textContent = says;
    }
    draw();
  }

  document.querySelectorAll(".playground:not(.ready)").forEach(mount);
})();
