// The parts of the sandbox's page that need no browser: which lease an entry stands for, what is told between two looks,
// what a line of the log becomes, and that every text can be read on its ground.
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cidrOf } from "../../shared/address/index.ts";
import { tellLogged } from "../sandbox/narrator.ts";
import { type ConsoleRow, type ConsoleView, main, type WatchedFirewall } from "../sandbox/page/console-view.ts";
import { differences } from "../sandbox/page/differences.ts";
import { createJournal } from "../sandbox/page/journal.ts";
import { type LeaseMemory, pageState } from "../sandbox/page/state.ts";
import type { Reading } from "../sandbox/page/worker-reader.ts";

const row = (id: string, cidrs: readonly string[], rest: Partial<ConsoleRow> = {}): ConsoleRow => ({
  id,
  name: `rule ${id}`,
  cells: [id],
  ours: cidrs.length > 0,
  cidrs,
  note: null,
  ...rest,
});
const view = (...rows: readonly ConsoleRow[]): ConsoleView => ({
  kind: "any",
  place: ["Cloud"],
  title: "one",
  tables: [{ caption: "Rules", display: "open", columns: [main("Rule", 4)], rows }],
});
const firewall = (shown: ConsoleView): WatchedFirewall => ({ target: "web", view: () => shown, onHappening: () => () => undefined });
const reading = (...blocks: readonly (readonly [string, number])[]): Reading => ({
  blocks: blocks.map(([cidr, untilMs]) => ({ cidr: cidrOf(cidr), atMs: 1_000, untilMs, targets: ["web"] })),
  targets: [],
});

describe("the state", () => {
  const addresses = (shown: ConsoleView, read: Reading | null, memory: LeaseMemory = new Map()) =>
    pageState({ firewalls: [firewall(shown)], journal: createJournal(), memory }, read, null, 2_000).panels[0]?.tables[0]?.rows.flatMap((one) => one.addresses);

  test("show: an entry wider than what was asked ends with the last block inside it", () => {
    const shown = addresses(view(row("1", ["2001:db8::/64"])), reading(["2001:db8::7", 9_000], ["2001:db8::9", 8_000], ["2001:db8:1::7", 99_000]));
    expect(shown).toEqual([{ cidr: "2001:db8::/64", lease: "live", atMs: 1_000, untilMs: 9_000 }]);
  });

  test("show: a lease that is listed no more is lifted, one never seen is unseen, one whose entry went is forgotten", () => {
    const memory: LeaseMemory = new Map();
    const standing = view(row("1", ["203.0.113.7/32"]));
    expect(addresses(standing, reading(), memory)?.[0]?.lease).toBe("unseen");
    addresses(standing, reading(["203.0.113.7", 9_000]), memory);
    expect(addresses(standing, reading(), memory)?.[0]).toEqual({ cidr: "203.0.113.7/32", lease: "lifted", atMs: 1_000, untilMs: 9_000 });
    addresses(view(), reading(), memory);
    expect(memory.size).toBe(0);
  });

  test("show: counts what it does not list", () => {
    const cidrs = Array.from({ length: 150 }, (_, at) => `203.0.113.${at}/32`);
    const state = pageState({ firewalls: [firewall(view(row("1", cidrs)))], journal: createJournal(), memory: new Map() }, null, null, 0);
    const shown = state.panels[0]?.tables[0]?.rows[0];
    expect((shown?.addresses.length ?? 0) + (shown?.addressesMore ?? 0)).toBe(150);
    expect(shown?.addressesMore).toBeGreaterThan(0);
  });
});

describe("differences", () => {
  const views = fc
    .uniqueArray(fc.record({ id: fc.integer({ min: 1, max: 6 }), last: fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 3 }) }), {
      selector: ({ id }) => id,
    })
    .map((rules) =>
      view(
        ...rules.map(({ id, last }) =>
          row(
            String(id),
            last.map((octet) => `203.0.113.${octet}/32`),
          ),
        ),
      ),
    );

  test("tell: nothing happened between two equal looks", () => {
    fc.assert(
      fc.property(views, (one) => {
        expect(differences(one, structuredClone(one))).toEqual([]);
      }),
    );
  });

  test("tell: something, with the right sign, whenever a rule came or went", () => {
    const ids = (one: ConsoleView) => one.tables.flatMap(({ rows }) => rows.map(({ id }) => id));
    fc.assert(
      fc.property(views, views, (before, after) => {
        const tones = differences(before, after).map(({ tone }) => tone);
        if (ids(after).some((id) => !ids(before).includes(id))) expect(tones).toContain("appears");
        if (ids(before).some((id) => !ids(after).includes(id))) expect(tones).toContain("gone");
      }),
    );
  });

  test("tell: by name, with what is blocked, and whose it is", () => {
    const texts = (before: ConsoleView, after: ConsoleView) => differences(before, after).map(({ text }) => text);
    const [one, two] = ["203.0.113.7/32", "203.0.113.8/32"];

    expect(texts(view(), view(row("1", [one])))).toEqual(["rule 1 with 203.0.113.7/32 appears"]);
    expect(texts(view(row("1", [one])), view(row("1", [two])))).toEqual(["203.0.113.8/32 appears in rule 1", "203.0.113.7/32 is gone from rule 1"]);
    expect(texts(view(row("1", [])), view())).toEqual(["rule 1 (not ours) is gone"]);
    expect(texts(view(row("1", [])), view(row("1", [], { cells: ["other"] })))).toEqual(["rule 1 (not ours) is changed"]);
    const many = ["1", "2", "3", "4", "5"].map((id) => row(id, [], { ours: true }));
    expect(texts(view(), view(...many))).toEqual(["rule 1, rule 2, rule 3 and 2 more appear"]);
  });
});

describe("the log", () => {
  const told = (record: unknown) => {
    const journal = createJournal();
    tellLogged(typeof record === "string" ? record : JSON.stringify(record), journal);
    return journal.entries.map(({ target, tone, text }) => ({ target, tone, text }));
  };

  test("tell: what a person asked and was answered, not what the page itself reads, nor what is no record", () => {
    const status = "http.response.status_code";
    const answered = { event: "http.answered", "http.request.method": "POST", "http.route": "/v1/blocks", client: "admin", [status]: 422 };
    expect(told(answered)).toEqual([{ target: null, tone: "refused", text: "admin: POST /v1/blocks → 422" }]);
    expect(told({ ...answered, [status]: 202 })[0]?.tone).toBe("asks");
    expect(told({ ...answered, client: "watcher" })).toEqual([]);
    for (const noise of ["not json", "null", "[]", "7"]) expect(told(noise)).toEqual([]);
  });

  test("tell: a cloud that takes its time as waiting, a failure as one, each at its target", () => {
    expect(told({ event: "pass.done", failed: { edge: "PROVIDER_PENDING: still working", web: "PROVIDER_AUTH: refused" } })).toEqual([
      { target: "edge", tone: "note", text: "waiting: still working" },
      { target: "web", tone: "refused", text: "failed: PROVIDER_AUTH: refused" },
    ]);
  });

  test("keep: the newest hundred", () => {
    const journal = createJournal(() => 0);
    for (let at = 1; at <= 150; at += 1) journal.tell(null, { tone: "note", text: String(at) });
    expect([journal.entries.length, journal.entries[0]?.text, journal.entries.at(-1)?.text]).toEqual([100, "51", "150"]);
  });
});

describe("the colours", () => {
  const channel = (value: number): number => (value <= 0.040_45 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminance = (hex: string): number => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => channel(Number.parseInt(hex.slice(at, at + 2), 16) / 255));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  /** WCAG 2.2, relative luminance and contrast ratio. */
  const contrast = (a: string, b: string): number => {
    const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((one, other) => one - other);
    return (light + 0.05) / (dark + 0.05);
  };
  const grounds = {
    paper: ["ink", "soft", "faint", "ours", "warn"],
    sheet: ["ink", "soft", "faint", "ours", "warn"],
    "ours-tint": ["ink", "ours", "soft"],
    "warn-tint": ["warn"],
  };

  test("can be read: 4.5 or more for every text on every ground, light and dark", async () => {
    const css = await readFile(join(resolve(import.meta.dirname, "../sandbox/page"), "page.css"), "utf8");
    const schemes = [...css.matchAll(/:root \{([^}]*)\}/g)].map(
      (match) => new Map([...(match[1] ?? "").matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)].map(([, name = "", hex = ""]) => [name, hex])),
    );

    expect(schemes).toHaveLength(2);
    for (const scheme of schemes) {
      for (const [ground, inks] of Object.entries(grounds)) {
        for (const ink of inks) expect(contrast(scheme.get(ink) ?? "", scheme.get(ground) ?? ""), `${ink} on ${ground}`).toBeGreaterThanOrEqual(4.5);
      }
    }
  });
});
