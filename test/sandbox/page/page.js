// Draws the state that the sandbox sends, and keeps the time left running. Only ever writes text nodes: nothing that a
// firewall holds can become markup. Asks nobody but the server it came from.

const connection = document.getElementById("connection");
const trouble = document.getElementById("trouble");
const firewalls = document.getElementById("firewalls");
const log = document.getElementById("log");
const overview = document.getElementById("overview");
const logEmpty = document.getElementById("log-empty");

const leavesAfterMs = 900;
const pollEveryMs = 2_000;
const listedAddresses = 6;

/** The sandbox's clock less this browser's. */
let aheadMs = 0;

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.append(...children);
  return made;
}

/** Writes only what differs, so that a reader's place and selection stay. */
function write(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** Long words break where a reader would break them, and copy as they are. */
function fill(target, text) {
  if (target.textContent === text) return;
  const parts = text.split(/(?<=[a-z])(?=[A-Z])|(?<=[a-z][-_:,])|(?=\/)/);
  target.replaceChildren(...parts.flatMap((part, at) => (at === 0 ? [part] : [element("wbr"), part])));
}

function mark(target, attribute, value) {
  if (target.getAttribute(attribute) !== value) target.setAttribute(attribute, value);
}

/** Makes the children of `parent` follow `items`: kept by id, made when new, and let go with a last look when `leave` says so. */
function follow(parent, items, { idOf, make, update, leave = (child) => child.remove() }) {
  const wanted = new Set(items.map(idOf));
  const present = new Map();
  for (const child of [...parent.children]) {
    if (child.dataset.leaving !== undefined) continue;
    if (wanted.has(child.dataset.id)) present.set(child.dataset.id, child);
    else leave(child);
  }
  let before = null;
  for (const item of items) {
    const id = idOf(item);
    let child = present.get(id);
    if (child === undefined) {
      child = make(item);
      child.dataset.id = id;
      if (before === null) parent.prepend(child);
      else before.after(child);
    } else if (before !== null && (before.compareDocumentPosition(child) & Node.DOCUMENT_POSITION_FOLLOWING) === 0) before.after(child);
    update(child, item);
    before = child;
  }
}

// --- time left

function duration(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  const two = (value) => String(value).padStart(2, "0");
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 2_880) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
  return `${Math.floor(minutes / 1_440)} d ${Math.floor((minutes % 1_440) / 60)} h`;
}

function leaseText({ lease, until }, now) {
  if (lease === "unseen") return "lease not reported yet";
  if (Number(until) <= now) return "over, goes with the next pass";
  return lease === "lifted" ? "lifted, goes with the next pass" : `${duration(Number(until) - now)} left`;
}

/** Every address with a lease carries its times; this is all that runs by the clock. */
function runClock() {
  const now = Date.now() + aheadMs;
  for (const address of document.querySelectorAll("[data-lease]")) {
    const { lease, at, until } = address.dataset;
    write(address.querySelector(".left"), leaseText({ lease, until }, now));
    const share = lease === "live" ? (Number(until) - now) / (Number(until) - Number(at)) : 0;
    address.querySelector(".sand").style.setProperty("--share", String(Math.min(1, Math.max(0, share)).toFixed(4)));
  }
}

// --- one row

function makeAddress() {
  return element("li", {}, element("code"), element("span", { class: "left" }), element("span", { class: "sand", "aria-hidden": "true" }));
}

function updateAddress(item, address) {
  write(item.firstChild, address.cidr.replace(/\/(?:32|128)$/, ""));
  mark(item, "data-lease", address.lease);
  mark(item, "data-at", String(address.atMs ?? ""));
  mark(item, "data-until", String(address.untilMs ?? ""));
}

function updateLease(cell, row) {
  let [note, list, more] = cell.children;
  if (note === undefined) {
    [note, list, more] = [element("span", { class: "note" }), element("ul"), element("span", { class: "more" })];
    cell.append(note, list, more);
  }
  const bare = row.addresses.length === 0;
  write(note, row.ours ? (row.note ?? (bare ? "ours" : "")) : (row.note ?? "not ours"));
  note.hidden = note.textContent === "";
  const shown = row.addresses.slice(0, listedAddresses);
  mark(list, "data-many", String(row.addresses.length > 1));
  list.hidden = shown.length === 0;
  follow(list, shown, { idOf: ({ cidr }) => cidr, make: makeAddress, update: updateAddress });
  const unlisted = row.addresses.length - shown.length + row.addressesMore;
  write(more, unlisted > 0 ? `and ${unlisted} more` : "");
  more.hidden = unlisted === 0;
}

function makeRow(columns) {
  return (row) => {
    const cells = columns.map(({ weight }, at) => element(at === 0 ? "th" : "td", at === 0 ? { scope: "row", class: weight } : { class: weight }));
    return element("tr", { class: `${row.ours ? "ours" : "foreign"} arrives` }, ...cells, element("td", { class: "lease" }));
  };
}

function updateRow(line, row) {
  line.classList.toggle("ours", row.ours);
  line.classList.toggle("foreign", !row.ours);
  for (const [at, text] of row.cells.entries()) fill(line.children[at], text);
  updateLease(line.lastChild, row);
}

function leaveRow(line) {
  line.dataset.leaving = "";
  for (const address of line.querySelectorAll("[data-lease]")) address.removeAttribute("data-lease");
  setTimeout(() => line.remove(), leavesAfterMs);
}

// --- one firewall

function makeTable(table) {
  const heads = table.columns.map(({ name, weight }) => element("th", { scope: "col", class: weight }, name));
  const head = element("thead", {}, element("tr", {}, ...heads, element("th", { scope: "col", class: "lease" }, "Lease")));
  const widths = table.columns.map(({ weight, widthChars }) => {
    const column = element("col", { class: weight });
    column.style.setProperty("--chars", `${widthChars}ch`);
    return column;
  });
  const columns = element("colgroup", {}, ...widths, element("col"));
  const made = element("table", { "aria-label": table.caption }, columns, head, element("tbody"));
  const summary = element("summary", {}, table.caption, " ", element("span", { class: "tally" }));
  const scroll = element("div", { class: "scroll", role: "region", "aria-label": table.caption, tabindex: "0" }, made, element("p", { class: "more" }));
  return element("details", table.display === "open" ? { open: "" } : {}, summary, scroll);
}

function updateTable(box, table) {
  const [made, more] = box.lastChild.children;
  write(box.querySelector(".tally"), String(table.rows.length + table.rowsMore));
  follow(made.lastChild, table.rows, { idOf: ({ id }) => id, make: makeRow(table.columns), update: updateRow, leave: leaveRow });
  write(more, table.rowsMore > 0 ? `and ${table.rowsMore} more rules` : "");
  more.hidden = table.rowsMore === 0;
}

function enforcingText({ enforcing, mode, stopped }) {
  if (stopped !== null) return ["no", stopped === "freeze" ? "frozen: nothing is written" : "draining: ours are taken away"];
  if (mode !== "enforce") return ["no", `in ${mode} mode`];
  if (enforcing === null) return ["no", "not visited yet"];
  return enforcing.yes ? ["yes", "Enforcing"] : ["no", `not enforcing: ${enforcing.why}`];
}

/** A cloud that takes its time is no failure. */
const waitingCodes = ["PROVIDER_PENDING", "PROVIDER_THROTTLED", "PROVIDER_CONFLICT"];

function updateTrouble(line, error) {
  const waits = error !== null && waitingCodes.includes(error.code);
  line.hidden = error === null;
  mark(line, "data-waits", String(waits));
  write(line, error === null ? "" : `${waits ? "Waiting" : "Failed"}: ${error.message}`);
}

function makeRoom() {
  const bar = element("span", { class: "bar", "aria-hidden": "true" }, element("span"));
  return element("div", { class: "room" }, element("dt"), element("dd", {}, element("span", { class: "count" }), bar));
}

function updateRoom(item, { name, used, limit }) {
  const left = Math.max(0, limit - used);
  write(item.querySelector("dt"), name);
  write(item.querySelector(".count"), `${used} used, ${left} left`);
  mark(item, "data-full", String(left === 0 && limit > 0));
  item.querySelector(".bar > span").style.setProperty("--share", limit > 0 ? String(Math.min(1, used / limit)) : "0");
}

function makePanel({ target }) {
  const id = `firewall-${target}`;
  const names = element("div", { class: "names" }, element("p", { class: "place" }), element("h2", { id }, target), element("p", { class: "title" }));
  const heading = element("header", {}, names, element("p", { class: "enforcing" }));
  return element(
    "article",
    { "aria-labelledby": id },
    heading,
    element("dl"),
    element("p", { class: "error" }),
    element("p", { class: "shed" }),
    element("div", { class: "tables" }),
  );
}

function updatePanel(article, panel) {
  const [heading, rooms, error, shed, tables] = article.children;
  write(heading.querySelector(".place"), panel.place.join(" › "));
  write(heading.querySelector(".title"), panel.title);
  const [yes, text] = panel.seen === null ? ["no", "not read yet"] : enforcingText(panel.seen);
  const enforcing = heading.querySelector(".enforcing");
  mark(enforcing, "data-yes", yes);
  write(enforcing, text);
  follow(rooms, panel.seen?.pools ?? [], { idOf: ({ name }) => name, make: makeRoom, update: updateRoom });
  updateTrouble(error, panel.seen?.error ?? null);
  const names = panel.seen?.shed ?? [];
  const more = panel.seen?.shedMore ?? 0;
  shed.hidden = names.length === 0;
  write(shed, names.length === 0 ? "" : `No room for ${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}.`);
  follow(tables, panel.tables, { idOf: ({ caption }) => caption, make: makeTable, update: updateTable });
}

// --- all firewalls at a glance

function makeGlance({ target, place }) {
  const parts = [element("span", { class: "place" }, place[0]), element("span", { class: "glance-name" }, target), element("span", { class: "blocked" })];
  return element("li", { class: "glance" }, element("a", { class: "glance-link", href: `#firewall-${target}` }, ...parts));
}

function updateGlance(item, { tables, seen }) {
  const rows = tables.flatMap((table) => table.rows);
  const blocked = rows.reduce((sum, row) => sum + row.addresses.length + row.addressesMore, 0);
  const [yes] = seen === null ? ["no"] : enforcingText(seen);
  const link = item.firstChild;
  mark(link, "data-yes", yes);
  write(link.lastChild, `${blocked === 0 ? "nothing" : blocked} blocked${yes === "yes" ? "" : ", not enforcing"}`);
}

// --- what happened

function makeEntry({ atMs, target, tone, text }) {
  const at = new Date(atMs);
  const time = element("time", { datetime: at.toISOString() }, at.toTimeString().slice(0, 8));
  return element("li", { "data-tone": tone }, time, element("span", { class: "where" }, target ?? "door"), element("span", { class: "what" }, text));
}

// --- the whole page

function draw(state) {
  aheadMs = state.nowMs - Date.now();
  trouble.hidden = state.trouble === null;
  write(trouble, state.trouble ?? "");
  follow(overview, state.panels, { idOf: ({ target }) => target, make: makeGlance, update: updateGlance });
  follow(firewalls, state.panels, { idOf: ({ target }) => target, make: makePanel, update: updatePanel });
  follow(log, state.log.toReversed(), { idOf: ({ id }) => String(id), make: makeEntry, update: () => undefined });
  logEmpty.hidden = state.log.length > 0;
  runClock();
  // Rows that were there from the start do not arrive.
  if (!document.body.classList.contains("drawn")) setTimeout(() => document.body.classList.add("drawn"), 50);
}

function show(state, text) {
  mark(connection, "data-state", state);
  write(connection, text);
}

let polling = null;

async function poll() {
  try {
    const response = await fetch("/state");
    if (!response.ok) throw new Error(String(response.status));
    draw(await response.json());
    show("polling", "every two seconds");
  } catch {
    show("lost", "the sandbox does not answer");
  }
}

function listen() {
  const events = new EventSource("/events");
  events.addEventListener("message", ({ data }) => {
    clearInterval(polling);
    polling = null;
    draw(JSON.parse(data));
    show("live", "live");
  });
  events.addEventListener("over", () => {
    events.close();
    clearInterval(polling);
    show("lost", "the sandbox is closed");
  });
  // The browser tries again by itself unless the server said no; until then the state is asked for.
  events.addEventListener("error", () => {
    polling ??= setInterval(poll, pollEveryMs);
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 10 * pollEveryMs);
  });
}

setInterval(runClock, 250);
listen();
