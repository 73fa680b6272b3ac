// The page of a report: table, filters, dialog of a candidate, figures, colors.
// Texts of users come in through escaped() or textContent, never as HTML.

const data = JSON.parse(document.getElementById("report-data").textContent);
const { values, columns, nMembers } = data;
const find = (id) => document.getElementById(id);
const column = (name) => (Object.hasOwn(values, name) ? values[name] : null);
const flags = columns.filter((one) => one.kind === "flag");
const isPhone = matchMedia("(pointer: coarse)").matches;

// ---- texts -------------------------------------------------------------------------------------

function escaped(text) {
  const entities = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return String(text).replace(/[&<>"']/g, (character) => entities[character]);
}

function formula(text) {
  return escaped(text).replace(/(?<=[A-Za-z)\]])(\d+(?:\.\d+)?)/g, "<sub>$1</sub>");
}

// A long formula breaks before an element, never between it and its number.
function breakable(text) {
  return formula(text).replace(/(?<=[a-z>])(?=[A-Z(])/g, "<wbr>");
}

function decimal(number, digits = 2) {
  return number === null ? "–" : number.toFixed(digits);
}

function plain(number) {
  return Number.isInteger(number) ? String(number) : String(Number(number.toPrecision(3)));
}

function chip(text, kind = "") {
  return `<span class="chip ${kind}">${escaped(text)}</span>`;
}

function flagsOf(row) {
  return flags.filter((flag) => values[flag.name][row]);
}

// ---- table -------------------------------------------------------------------------------------

// What a cell shows; cells of other columns show a number or a text as it is.
const cells = {
  id: (value) => `<a href="#${encodeURIComponent(value)}" tabindex="-1">${escaped(value)}</a>`,
  formula: (value) => breakable(value),
  output_frequency: (value) =>
    `<span class="votes" style="--part: ${(100 * value) / nMembers}%"><b>${value}</b><i>/${nMembers}</i></span>`,
  mean_probability: (value, row) => {
    const spread = column("probability_std")?.[row] ?? null;
    return decimal(value) + (spread === null ? "" : ` <small>± ${decimal(spread)}</small>`);
  },
  label: (value) => chip(value, "label"),
  nearest_conductor: (value, row) => breakable(column("nearest_conductor_formula")?.[row] ?? value),
  nearest_conductor_formula: (value) => breakable(value),
};
const fractions = ["similarity", "composition_similarity", "novelty", "probability_std"];
for (const name of fractions) cells[name] = (value) => decimal(value);

function cell(one, value, row) {
  if (value === null) return '<span aria-label="missing">–</span>';
  if (Object.hasOwn(cells, one.name)) return cells[one.name](value, row);
  if (one.kind === "flag") return value ? "yes" : "no";
  return one.kind === "number" ? plain(value) : escaped(value);
}

function cellClass(one) {
  if (one.kind === "number" && one.name !== "output_frequency") return "number";
  if (one.name.includes("formula") || one.name === "nearest_conductor") return "wrap";
  return ["id", "label_source"].includes(one.name) ? "name-cell" : "";
}

function tooltip(one) {
  const unit = one.unit ? ` [${one.unit}]` : "";
  const source = one.source ? ` Source: ${one.source}.` : "";
  return `${one.title}${unit}: ${one.description}${source}`;
}

function rawColumn(one) {
  const all = values[one.name];
  return {
    name: one.name,
    title: escaped(one.title) + (/^(USD|eV|ang)/.test(one.unit) && one.shown ? ` <small>${escaped(one.unit)}</small>` : ""),
    className: cellClass(one),
    visible: one.shown,
    searchable: one.kind === "text",
    // Best first at the first click on a heading of a number.
    orderSequence: one.kind === "number" ? ["desc", "asc", ""] : ["asc", "desc", ""],
    type: one.kind === "number" ? "num" : "string",
    data: null,
    render: (_, type, { row }) => {
      const value = all[row];
      if (type === "display") return cell(one, value, row);
      if (type === "sort" || type === "type") return value ?? (one.kind === "number" ? -Infinity : "");
      if (type === "filter" && one.name === "nearest_conductor") {
        return `${value ?? ""} ${column("nearest_conductor_formula")?.[row] ?? ""}`;
      }
      return value ?? "";
    },
  };
}

function tableColumns() {
  const rank = {
    name: "rank", title: "#", className: "number", data: null, searchable: false, type: "num",
    render: (_, __, { row }) => data.rank[row],
  };
  const listed = columns.map(rawColumn);
  if (!flags.length) return [rank, ...listed];
  const together = {
    name: "flags", title: "Flags", className: "wrap", data: null, searchable: true,
    type: "string", orderSequence: ["asc", "desc", ""],
    render: (_, type, { row }) => {
      const found = flagsOf(row);
      if (type === "display") return found.map((flag) => chip(flag.title)).join("");
      return type === "filter" ? found.map((flag) => flag.title).join(" ") : String(found.length);
    },
  };
  return [rank, ...listed, together];
}

async function makeTable() {
  // The program of the table is a module: a browser imports it from memory, not from a network.
  const program = JSON.parse(find("datatables-source").textContent);
  const source = new Blob([program], { type: "text/javascript" });
  const { default: DataTable } = await import(URL.createObjectURL(source));
  DataTable.ext.errMode = "throw";
  const made = tableColumns();
  const rows = data.rank.map((_, row) => ({ row }));
  const raw = made.map((_, place) => place).filter((place) => made[place].name !== "flags");
  const table = new DataTable("#candidates", {
    data: rows,
    columns: made,
    deferRender: true,
    autoWidth: false,
    order: [],
    pageLength: 25,
    lengthMenu: [10, 25, 100],
    layout: {
      topStart: "info",
      topEnd: {
        buttons: [
          { extend: "colvis", text: "Columns", background: false },
          {
            extend: "csv",
            text: "CSV of these rows",
            filename: "candidates",
            title: null,
            exportOptions: {
              columns: raw,
              orthogonal: "export",
              stripHtml: false, // values, not cells: what looks like a tag belongs to a name
              stripNewlines: false,
              decodeEntities: false,
              trim: false,
              modifier: { search: "applied", order: "applied" },
              format: { header: (_, place) => made[place].name },
            },
          },
        ],
      },
      bottomStart: "pageLength",
      bottomEnd: "paging",
    },
    language: {
      info: "_START_ to _END_ of _TOTAL_ candidates",
      infoEmpty: "No candidate passes the filters",
      infoFiltered: "(of _MAX_)",
      lengthMenu: "_MENU_ rows",
      zeroRecords: "No candidate passes the filters.",
    },
    createdRow: (element) => {
      element.tabIndex = 0;
    },
  });
  made.forEach((one, place) => {
    const described = columns.find((other) => other.name === one.name);
    if (described) table.column(place).header().title = tooltip(described);
  });
  const body = find("candidates").tBodies[0];
  const opened = (event) => {
    const element = event.target.closest("tr");
    const row = element && table.row(element).data();
    if (row) location.hash = encodeURIComponent(values.id[row.row]);
  };
  body.addEventListener("click", (event) => {
    if (!event.target.closest("a")) opened(event);
  });
  body.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("tr")) opened(event);
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    if (step && event.target[step]) {
      event.preventDefault();
      event.target[step].focus();
    }
  });
  return table;
}

// ---- filters -----------------------------------------------------------------------------------

function makeFilters(table) {
  const form = find("filters");
  const value = (id, otherwise) => find(id)?.value ?? otherwise;
  const elementsOf = new Map();
  let wanted;

  function read() {
    const tokens = value("elements", "").match(/-?[A-Z][a-z]?/g) ?? [];
    wanted = {
      votes: Number(value("min-votes", 0)),
      novelty: Number(value("max-novelty", 1)),
      label: value("label", "any"),
      hidden: [...form.querySelectorAll("[name=flag]:checked")].map((box) => values[box.value]),
      present: tokens.filter((token) => !token.startsWith("-")),
      absent: tokens.filter((token) => token.startsWith("-")).map((token) => token.slice(1)),
    };
    for (const output of form.querySelectorAll("output")) {
      const input = find(output.htmlFor[0]);
      output.textContent = input.step === "1" ? input.value : Number(input.value).toFixed(2);
    }
  }

  function elements(row) {
    if (!elementsOf.has(row)) {
      elementsOf.set(row, new Set((values.formula[row] ?? "").match(/[A-Z][a-z]?/g)));
    }
    return elementsOf.get(row);
  }

  function keeps(row) {
    if (wanted.votes > 0 && values.output_frequency[row] < wanted.votes) return false;
    if (wanted.novelty < 1 && !(values.novelty[row] <= wanted.novelty && values.novelty[row] !== null)) return false;
    if (wanted.label !== "any") {
      const label = values.label[row];
      const isKept = { none: label === null, known: label !== null }[wanted.label] ?? `=${label}` === wanted.label;
      if (!isKept) return false;
    }
    if (wanted.hidden.some((flag) => flag[row])) return false;
    return (
      wanted.present.every((element) => elements(row).has(element)) &&
      !wanted.absent.some((element) => elements(row).has(element))
    );
  }

  const update = () => {
    read();
    table.search(find("search").value).draw();
  };
  const labels = find("label");
  if (labels) {
    const found = [...new Set(values.label.filter((label) => label !== null))].sort();
    // The sign keeps a label that is called "none" apart from there being none.
    for (const label of found.slice(0, 20)) labels.add(new Option(label, `=${label}`));
  }
  read();
  table.search.fixed("filters", (_, { row }) => keeps(row));
  let waiting;
  form.addEventListener("input", () => {
    read();
    clearTimeout(waiting);
    waiting = setTimeout(update, values.id.length > 2000 ? 150 : 0);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => {
    table.order([]);
    update();
  }));
}

// ---- patterns ----------------------------------------------------------------------------------

// See PatternPacker in _patterns.py for how a pattern is written.
function unpack(text) {
  const bytes = Uint8Array.from(atob(text.slice(1)), (character) => character.charCodeAt(0));
  if (text[0] === "p") {
    return { isProfile: true, x: data.bins, y: Array.from(bytes, (height) => height / 2.55) };
  }
  const n = bytes.length / 3;
  const view = new DataView(bytes.buffer);
  const [start, stop] = data.range;
  const positions = Array.from({ length: n }, (_, line) => view.getUint16(2 * line, true));
  return {
    isProfile: false,
    x: positions.map((position) => start + (position / 65535) * (stop - start)),
    y: Array.from(bytes.subarray(2 * n), (height) => height / 2.55),
  };
}

function trace(pattern, name, color, sign) {
  const shown = { mode: "lines", name, line: { color, width: 1.7 }, hovertemplate: "%{x:.2f}°, %{customdata:.0f} %<extra></extra>" };
  if (pattern.isProfile) {
    return { ...shown, x: pattern.x, y: pattern.y.map((height) => sign * height), customdata: pattern.y };
  }
  return {
    ...shown,
    x: pattern.x.flatMap((position) => [position, position, null]),
    y: pattern.y.flatMap((height) => [0, sign * height, null]),
    customdata: pattern.y.flatMap((height) => [height, height, null]),
  };
}

function strongest(pattern) {
  if (pattern.isProfile) return "";
  const order = pattern.y.map((_, line) => line).sort((a, b) => pattern.y[b] - pattern.y[a]);
  return order.slice(0, 6).map((line) => `${pattern.x[line].toFixed(2)}° (${pattern.y[line].toFixed(0)} %)`).join(", ");
}

function drawPattern(row) {
  const pattern = unpack(data.patterns[row]);
  const own = column("formula")?.[row] ?? values.id[row];
  const traces = [trace(pattern, `${formula(own)}, candidate`, "#0072B2", 1)];
  const near = nearest(row);
  // The legend does not break lines.
  const place = innerWidth < 600 ? "conductor, down" : "nearest conductor (downwards)";
  if (near) traces.push(trace(unpack(near.pattern), `${formula(near.formula ?? near.id)}, ${place}`, "#D55E00", -1));
  const ticks = near ? [-100, -50, 0, 50, 100] : [0, 25, 50, 75, 100];
  draw(find("pattern"), {
    data: traces,
    layout: {
      // With a mouse, buttons appear on top: the legend lies below them.
      margin: { l: 56, r: 12, t: isPhone ? 34 : 64, b: 46 },
      xaxis: { title: { text: "2θ (degrees)" }, range: data.range },
      yaxis: {
        title: { text: "relative intensity (%)" }, range: [near ? -108 : 0, 108],
        tickvals: ticks, ticktext: ticks.map((tick) => String(Math.abs(tick))),
      },
      showlegend: true,
    },
  });
  return pattern;
}

function nearest(row) {
  const id = column("nearest_conductor")?.[row] ?? null;
  return id !== null && Object.hasOwn(data.known, id) ? { id, ...data.known[id] } : null;
}

// ---- dialog of a candidate ---------------------------------------------------------------------

const dialog = find("candidate");
const rowOf = new Map(values.id?.map((id, row) => [id, row]));
let table = null;
let current = null;

function gauge(title, text, part) {
  const bar = part === null ? "" : `<i style="--part: ${100 * Math.min(Math.max(part, 0), 1)}%"></i>`;
  return `<div class="gauge"><span>${title}</span><b>${text}</b>${bar}</div>`;
}

function gauges(row) {
  const at = (name) => column(name)?.[row] ?? null;
  const shown = [];
  if (at("output_frequency") !== null) {
    shown.push(gauge("Votes", `${at("output_frequency")} of ${nMembers}`, at("output_frequency") / nMembers));
  }
  if (at("mean_probability") !== null) {
    const spread = at("probability_std");
    const text = decimal(at("mean_probability")) + (spread === null ? "" : ` <small>± ${decimal(spread)}</small>`);
    shown.push(gauge("Mean probability", text, at("mean_probability")));
  }
  if (at("similarity") !== null) {
    const near = at("nearest_conductor_formula") ?? at("nearest_conductor");
    shown.push(gauge(near === null ? "Similarity" : `Similarity to ${formula(near)}`, decimal(at("similarity")), at("similarity")));
  }
  if (at("novelty") !== null) shown.push(gauge("Novelty", decimal(at("novelty")), at("novelty")));
  return shown.join("");
}

function fact(one, row) {
  const unit = one.unit && one.kind === "number" && !/^\d/.test(one.unit) ? ` ${escaped(one.unit)}` : "";
  const value = values[one.name][row];
  const text = one.name === "id" ? escaped(value) : cell(one, value, row);
  return `<dt title="${escaped(tooltip(one))}">${escaped(one.title)}</dt><dd>${text}${value === null ? "" : unit}</dd>`;
}

const inGauges = ["output_frequency", "mean_probability", "probability_std", "similarity", "novelty"];

function show(row) {
  current = row;
  const name = column("formula")?.[row] ?? null;
  const label = column("label")?.[row] ?? null;
  const near = nearest(row);
  const chips = [
    ...(label === null ? [] : [chip(`known label: ${label}`, "label")]),
    ...flagsOf(row).map((flag) => chip(flag.title)),
    ...(flags.length && !flagsOf(row).length ? [chip("no flags", "plain")] : []),
  ];
  const others = columns.filter((one) => one.kind !== "flag" && !inGauges.includes(one.name));
  const missing = column("nearest_conductor")?.[row] && !near;
  const before = find("pattern");
  if (before) {
    Plotly.purge(before); // else plots and their listeners pile up
    drawn.delete(before);
  }
  find("candidate-body").innerHTML = `
    <h2 id="candidate-title" tabindex="-1">${name === null ? escaped(values.id[row]) : formula(name)}</h2>
    <p class="subtitle">${escaped(values.id[row])}</p>
    <div>${chips.join("")}</div>
    <div class="gauges">${gauges(row)}</div>
    <div id="pattern" role="img" aria-label="Pattern of the candidate${near ? " above that of the nearest conductor" : ""}"></div>
    <p class="note" id="lines"></p>
    <dl class="facts">${others.map((one) => fact(one, row)).join("")}</dl>`;
  if (!dialog.open) dialog.showModal();
  // Its old content is gone, and with it the place of the keyboard.
  if (!document.activeElement.closest(".dialog-bar")) find("candidate-title").focus();
  dialog.scrollTop = 0;
  const pattern = drawPattern(row);
  const lines = strongest(pattern);
  const hints = [
    lines && `Strongest lines: ${lines}.`,
    !pattern.x.length && "The pattern has no lines.",
    missing && "The pattern of the nearest conductor is not part of this report.",
    !isPhone && "Drag to zoom, double click to see all.",
  ];
  find("lines").textContent = hints.filter(Boolean).join(" ");
  const { order, place } = neighbors();
  find("candidate-place").textContent =
    place < 0 ? `rank ${data.rank[row]}, hidden by the filters` : `${place + 1} of ${order.length.toLocaleString("en-US")}, rank ${data.rank[row]}`;
  find("previous").disabled = place <= 0;
  find("next").disabled = place < 0 || place >= order.length - 1;
  document.title = `${name ?? values.id[row]} · ${title}`;
}

function neighbors() {
  const order = table.rows({ order: "applied", search: "applied" }).data().toArray().map(({ row }) => row);
  return { order, place: order.indexOf(current) };
}

function move(step) {
  const { order, place } = neighbors();
  const row = order[place + step];
  if (place < 0 || row === undefined) return;
  history.replaceState(null, "", `#${encodeURIComponent(values.id[row])}`);
  show(row);
}

const title = document.title;

function rowInAddress() {
  try {
    return rowOf.get(decodeURIComponent(location.hash.slice(1)));
  } catch {
    return undefined; // no valid text, so nobody's id
  }
}

function follow() {
  const row = rowInAddress();
  if (row !== undefined) show(row);
  else if (dialog.open) dialog.close();
}

dialog.addEventListener("close", () => {
  document.title = title;
  if (rowInAddress() === current) {
    history.replaceState(null, "", location.pathname + location.search);
  }
  current = null;
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close(); // the ground around it
});
dialog.addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft") move(-1);
  if (event.key === "ArrowRight") move(1);
});
find("close").addEventListener("click", () => dialog.close());
find("previous").addEventListener("click", () => move(-1));
find("next").addEventListener("click", () => move(1));

// ---- figures and colors ------------------------------------------------------------------------

// Okabe and Ito's colors on white ground, and what stands for them on dark ground.
const lighter = { "#0072B2": "#56B4E9", "#D55E00": "#E69F00", "#009E73": "#3CCB9F", "#7F8C9B": "#8A97A6" };
const drawn = new Map();

function draw(element, figure) {
  drawn.set(element, figure);
  const isDark = document.documentElement.classList.contains("dark");
  const style = getComputedStyle(document.documentElement);
  const [text, muted, line, ground, accent] = ["--text", "--muted", "--line", "--ground", "--accent"].map((name) => style.getPropertyValue(name).trim());
  let plain = JSON.stringify(figure);
  if (isDark) for (const [color, other] of Object.entries(lighter)) plain = plain.replaceAll(color, other);
  const { data: traces, layout } = JSON.parse(plain);
  const axis = { gridcolor: line, zerolinecolor: line, linecolor: line, automargin: true, tickcolor: line };
  Plotly.react(
    element,
    traces,
    {
      ...layout,
      font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: text },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      modebar: { bgcolor: ground, color: muted, activecolor: accent },
      hoverlabel: { bgcolor: ground, bordercolor: line, font: { color: text } },
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
      xaxis: titled({ ...axis, ...layout.xaxis }),
      yaxis: titled({ ...axis, ...layout.yaxis }),
      dragmode: isPhone ? false : "zoom", // a finger on a figure scrolls the page
    },
    { responsive: true, displaylogo: false, displayModeBar: isPhone ? false : "hover", modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] },
  );
}

function titled(axis) {
  return { ...axis, title: { ...axis.title, font: { size: 13 } } };
}

function drawFigure(element) {
  draw(element, data.figures[element.dataset.figure]);
  element.on("plotly_click", ({ points }) => {
    const id = points[0].customdata;
    if (typeof id === "string" && rowOf.has(id)) location.hash = encodeURIComponent(id);
  });
}

function setDark(isDark) {
  document.documentElement.classList.toggle("dark", isDark);
  find("theme").setAttribute("aria-pressed", String(isDark));
  for (const [element, figure] of drawn) {
    draw(element, figure);
  }
}

const dark = matchMedia("(prefers-color-scheme: dark)");
setDark(dark.matches);
dark.addEventListener("change", () => setDark(dark.matches));
find("theme").addEventListener("click", () => setDark(!document.documentElement.classList.contains("dark")));

// ---- start -------------------------------------------------------------------------------------

if (find("candidates")) {
  table = await makeTable();
  makeFilters(table);
  addEventListener("hashchange", follow);
  follow();
}
const figures = [...document.querySelectorAll("[data-figure]")];
const watcher = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting && !drawn.has(target)) drawFigure(target);
    }
  },
  { rootMargin: "300px" },
);
figures.forEach((element) => watcher.observe(element));
addEventListener("beforeprint", () => figures.filter((element) => !drawn.has(element)).forEach(drawFigure));
document.documentElement.dataset.ready = "yes";
