// aws-nacl's numbering under random targets and wishes: what must hold for any of them.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compile } from "../../providers/aws-nacl/compile.ts";
import { cidrOf, cidrText } from "../../shared/address/index.ts";
import type { Change, Entry, Observation } from "../../shared/provider.ts";
import { settingsFor } from "./aws-nacl-harness.ts";

const nothing: Observation = { ours: [], foreign: [], pools: [], storeId: null, enforcing: { yes: true }, terminal: null, serverDate: null };
const range = { first: 5, last: 12 };
const host = (at: number) => cidrOf(`203.0.113.${at}/32`);
const slotNames = (id: string) => (id.split("=")[0] ?? "").split("+");

const scenes = fc.record({
  direction: fc.constantFrom("ingress", "both"),
  ours: fc.uniqueArray(fc.tuple(fc.integer({ min: range.first, max: range.last }), fc.integer({ min: 1, max: 9 }), fc.constantFrom("whole", "in", "out")), {
    selector: ([number]) => number,
    maxLength: 8,
  }),
  foreign: fc.uniqueArray(fc.tuple(fc.constantFrom("in", "out"), fc.integer({ min: 1, max: 16 })), {
    selector: ([direction, number]) => `${direction}${number}`,
    maxLength: 6,
  }),
  frozen: fc.uniqueArray(fc.tuple(fc.constantFrom("in", "out"), fc.integer({ min: range.first, max: range.last })), { maxLength: 4 }),
  wishes: fc.array(fc.tuple(fc.constantFrom("add", "remove", "swap"), fc.integer({ min: 1, max: 20 }), fc.nat(7)), { maxLength: 12 }),
});

type Scene = typeof scenes extends fc.Arbitrary<infer T> ? T : never;

function entriesOf({ direction, ours, foreign }: Scene): Entry[] {
  const taken = new Set(foreign.map(([which, number]) => `${which}:${number}`));
  const free = ours.filter(([number]) => !taken.has(`in:${number}`) && !taken.has(`out:${number}`));
  return free.map(([number, at, part]): Entry => {
    const slots = direction === "ingress" ? `in:${number}` : part === "whole" ? `in:${number}+out:${number}` : `${part}:${number}`;
    const partial = direction === "both" && part !== "whole" ? "the other half is missing" : null;
    return { id: `${slots}=${cidrText(host(at))}`, cidr: host(at), partial };
  });
}

function changesOf(wishes: Scene["wishes"], entries: readonly Entry[]): Change[] {
  return wishes.flatMap(([verb, at, index]): Change[] => {
    const entry = entries[index];
    if (verb === "add") return [{ verb, cidr: host(at) }];
    if (entry === undefined) return [];
    return verb === "remove" ? [{ verb, entry }] : [{ verb, entry, cidr: host(at) }];
  });
}

interface Native {
  readonly verb: string;
  readonly direction: string;
  readonly number: number;
  readonly cidr: string;
}

describe("compile, for any target", () => {
  test("hold: never a foreign number, a frozen slot, a number out of range, or a taken place; every step tells the truth", () => {
    fc.assert(
      fc.property(scenes, (scene) => {
        const entries = entriesOf(scene);
        const taken = new Set(scene.foreign.map(([which, number]) => `${which}:${number}`));
        const frozen = new Set(scene.frozen.map(([which, number]) => `${which}:${number}`));
        const observation = { ...nothing, ours: entries, foreign: [...taken].map((id) => ({ id, summary: id })) };
        const settings = settingsFor("https://ec2.eu-west-1.amazonaws.com/", { direction: scene.direction, rules: range });
        const changes = changesOf(scene.wishes, entries);
        const steps = compile({ changes, standing: [], frozen, observation }, settings);

        const standing = new Map(entries.flatMap((entry) => slotNames(entry.id).map((slot) => [slot, cidrText(entry.cidr)] as const)));
        let said = new Map(entries.map((entry) => [entry.id, entry]));
        for (const step of steps) {
          const { verb, direction, number, cidr } = step.native as unknown as Native;
          const slot = `${direction}:${number}`;
          expect(step.slots).toEqual([slot]);
          expect(taken.has(slot) || frozen.has(slot) || number < range.first || number > range.last).toBe(false);
          expect(standing.has(slot)).toBe(verb !== "create");
          if (verb === "delete") expect(standing.get(slot)).toBe(cidr);
          if (verb === "delete") standing.delete(slot);
          else standing.set(slot, cidr);
          expect(step.removes.every((id) => said.has(id))).toBe(true);
          said = new Map([...said].filter(([id]) => !step.removes.includes(id)));
          for (const entry of step.adds) said.set(entry.id, entry);
          const shown = [...said.values()].flatMap((entry) => slotNames(entry.id).map((name) => `${name} ${cidrText(entry.cidr)}`));
          expect(shown.sort()).toEqual([...standing].map(([name, text]) => `${name} ${text}`).sort());
        }
        const leaving = new Set(changes.flatMap((change) => (change.verb === "add" ? [] : [change.entry.id])));
        for (const entry of entries) if (!leaving.has(entry.id) && entry.partial === null) expect(said.has(entry.id)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});
