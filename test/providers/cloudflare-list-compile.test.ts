// cloudflare-list's compiler and its memory of failed batches, without a network; and answers no real cloud should give.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Batches, type BatchVerb, type Operation } from "../../providers/cloudflare-list/batches.ts";
import { compile, type NativeStep } from "../../providers/cloudflare-list/compile.ts";
import { CloudflareList } from "../../providers/cloudflare-list/provider.ts";
import { type Cidr, cidrOf, displayCidr } from "../../shared/address/index.ts";
import { type HttpResponse, Secret } from "../../shared/ports.ts";
import type { Change, CompileRequest, Entry, Observation, Step } from "../../shared/provider.ts";
import { settingsFor } from "./cloudflare-list-harness.ts";
import { testPorts } from "./ports.ts";

const settings = settingsFor("http://127.0.0.1:9/client/v4", {});
const shared = settingsFor("http://127.0.0.1:9/client/v4", { settings: { shared: "allow" } });

function host(net: number, at: number): Cidr {
  return cidrOf(`198.18.${net}.${at}/32`);
}

function entry(cidr: Cidr): Entry {
  return { id: `id-${displayCidr(cidr)}`, cidr, partial: null };
}

function request(
  given: { readonly ours?: readonly Entry[]; readonly foreign?: readonly string[]; readonly limit?: number },
  changes: readonly Change[],
): CompileRequest {
  const { ours = [], foreign = [], limit = 100 } = given;
  const observation: Observation = {
    ours,
    foreign: foreign.map((value) => ({ id: `item:${value}`, summary: value })),
    pools: [{ name: "items", families: [4, 6], limit }],
    storeId: "s",
    enforcing: { yes: true },
    terminal: null,
    serverDate: 0,
  };
  return { changes, standing: [], frozen: new Set(), observation };
}

const add = (cidr: Cidr): Change => ({ verb: "add", cidr });
const remove = (one: Entry): Change => ({ verb: "remove", entry: one });
const nativeOf = (step: Step): NativeStep => step.native as never;
const shape = (steps: readonly Step[]) => steps.map((step) => `${nativeOf(step).verb} ${step.slots.length}`);

function operation(verb: BatchVerb, cidrs: readonly Cidr[]): Operation {
  return { id: "op", verb, values: cidrs.map(displayCidr), sentAtMs: 0 };
}

const hosts = (net: number, count: number) => Array.from({ length: count }, (_, at) => host(net, at + 1));

describe("batches", () => {
  test("compile: adds together, removals together, in the core's order, cut at the largest batch and in turn", () => {
    const standing = hosts(0, 5).map(entry);
    const steps = compile(request({ ours: standing }, [...standing.map(remove), ...hosts(1, 7).map(add)]), settings, new Batches(3));
    expect(shape(steps)).toEqual(["remove 3", "add 3", "remove 2", "add 3", "add 1"]);
  });

  test("compile: what fills batch after batch lets the other go in between", () => {
    const batches = new Batches(3);
    const standing = hosts(0, 9).map(entry);
    const changes = [...standing.map(remove), ...hosts(1, 2).map(add)];
    expect(shape(compile(request({ ours: standing }, changes), settings, batches))[0]).toBe("remove 3");
    batches.sent(operation("remove", hosts(0, 3)));
    expect(shape(compile(request({ ours: standing }, changes), settings, batches))[0]).toBe("add 2");
    expect(shape(compile(request({ ours: standing.slice(0, 3) }, changes), settings, batches))[0]).toBe("remove 3");
  });

  test("compile: no more adds than there is room for, room made by earlier removals counted", () => {
    const standing = hosts(0, 4).map(entry);
    const adds = hosts(1, 5).map(add);
    const removals = standing.slice(0, 2).map(remove);
    expect(shape(compile(request({ ours: standing, limit: 4 }, adds), settings, new Batches(9)))).toEqual([]);
    expect(shape(compile(request({ ours: standing, limit: 5 }, adds), settings, new Batches(9)))).toEqual(["add 1"]);
    expect(shape(compile(request({ ours: standing, limit: 4 }, [...removals, ...adds]), settings, new Batches(9)))).toEqual(["remove 2", "add 2"]);
  });

  test("batches: after a failure the suspects travel in halves and in turn with the others", () => {
    const batches = new Batches(4);
    const failed = operation("add", hosts(0, 4));
    batches.sent(failed);
    batches.failed(failed, "no", 0);
    const changes = [...hosts(0, 4), ...hosts(1, 8)].map(add);
    const first = () => compile(request({}, changes), settings, batches).map((step) => step.slots);
    const others = [hosts(1, 4).map(displayCidr), hosts(1, 8).slice(4).map(displayCidr)];
    const halves = [hosts(0, 2).map(displayCidr), hosts(0, 4).slice(2).map(displayCidr)];
    expect(first()).toEqual([halves[0], others[0], halves[1], others[1]]);
    batches.sent(operation("add", hosts(0, 2)));
    batches.sent(operation("remove", hosts(2, 2)));
    expect(first()).toEqual([others[0], halves[0], others[1], halves[1]]);
  });

  test("batches: whatever is at fault, everything else gets through in few operations, and only the faulty rest", () => {
    const property = fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 39 }), { maxLength: 3 }), fc.integer({ min: 1, max: 16 }), (bad, size) => {
      const all = hosts(0, 40);
      const isBad = new Set(bad.map((at) => displayCidr(all[at] ?? host(9, 9))));
      const batches = new Batches(size);
      const standing = new Map<string, Entry>();
      let operations = 0;
      for (; operations < 200; operations += 1) {
        const [step] = compile(request({ ours: [...standing.values()] }, all.map(add)), settings, batches);
        if (step === undefined || nativeOf(step).verb === "tell") break;
        const sent: Operation = { id: "op", verb: "add", values: step.slots, sentAtMs: 0 };
        batches.sent(sent);
        if (step.slots.some((value) => isBad.has(value))) batches.failed(sent, "not allowed", 0);
        else {
          batches.completed(sent);
          for (const one of step.adds) standing.set(displayCidr(one.cidr), one);
        }
      }
      expect([...standing.keys()].sort()).toEqual(
        all
          .map(displayCidr)
          .filter((value) => !isBad.has(value))
          .sort(),
      );
      expect(operations).toBeLessThanOrEqual(Math.ceil(40 / size) + bad.length * 2 * (1 + Math.ceil(Math.log2(size))));
    });
    fc.assert(property);
  });

  test("batches: what failed by itself rests longer each time, up to an hour, and is as before once it passed", () => {
    const batches = new Batches(4);
    const alone = operation("remove", [host(0, 1)]);
    let now = 0;
    const restAfterFailure = (): number => {
      batches.failed(alone, "internal error", now);
      const from = now;
      while (batches.refusalOf("198.18.0.1") !== null) {
        now += 1_000;
        batches.refresh(now);
      }
      return (now - from) / 1_000;
    };
    expect(Array.from({ length: 6 }, restAfterFailure)).toEqual([30, 120, 480, 1_920, 3_600, 3_600]);
    batches.completed(alone);
    expect(restAfterFailure()).toBe(30);
  });

  test("batches: a full account makes less room for an hour", () => {
    const batches = new Batches(4);
    batches.failed(operation("add", [host(0, 2)]), "This list is at the maximum number of items", 0);
    batches.refresh(3_599_999);
    expect([batches.refusalOf("198.18.0.2"), batches.quotaWhere(7)]).toEqual([null, 7]);
    batches.refresh(3_600_000);
    expect(batches.quotaWhere(7)).toEqual(null);
  });

  test("batches: the quota is what the account held when it was first looked at after a refusal; what goes later makes room", () => {
    const batches = new Batches(4);
    expect(batches.quotaWhere(7)).toBe(null);
    batches.failed(operation("add", [host(0, 1)]), "This list is at the maximum number of items", 0);
    expect([batches.quotaWhere(7), batches.quotaWhere(6)]).toEqual([7, 7]);
    batches.failed(operation("add", [host(0, 1)]), "This list is at the maximum number of items", 1);
    expect(batches.quotaWhere(6)).toBe(6);
  });
});

describe("other people's items", () => {
  test("compile: in a shared list an address that stands as somebody else's is never sent", () => {
    const steps = compile(request({ foreign: ["198.18.0.1"] }, [add(host(0, 1)), add(host(0, 2))]), shared, new Batches());
    expect(steps.map((step) => [nativeOf(step).verb, step.slots])).toEqual([["add", ["198.18.0.2"]]]);
  });

  test("compile: in a list of our own nothing is added beside a stranger's item, and removals go on", () => {
    const [standing] = hosts(0, 1).map(entry);
    const ours = standing === undefined ? [] : [standing];
    const changes = [add(host(0, 2)), ...ours.map(remove)];
    expect(shape(compile(request({ ours, foreign: ["192.0.2.1"] }, changes), settings, new Batches()))).toEqual(["remove 1", "tell 1"]);
    // Full: the removal may only be making way, and what it makes way for cannot come.
    expect(shape(compile(request({ ours, foreign: ["192.0.2.1"], limit: 1 }, changes), settings, new Batches()))).toEqual(["tell 1"]);
    expect(shape(compile(request({ ours, foreign: ["192.0.2.1"], limit: 1 }, ours.map(remove)), settings, new Batches()))).toEqual(["remove 1"]);
  });
});

describe("answers no cloud should give", () => {
  const list = { id: "a".repeat(32), name: "portcullis", kind: "ip", num_items: 1, description: "portcullis:store=s", modified_on: "x" };
  const item = { id: "b".repeat(32), ip: "198.18.0.1", comment: "portcullis:s" };

  function providerOf(items: (page: number) => unknown) {
    let pages = 0;
    const send = async ({ url }: { readonly url: string }): Promise<HttpResponse> => {
      const isItems = url.includes("/items");
      if (isItems) pages += 1;
      const body = isItems ? items(pages) : { success: true, errors: [], messages: [], result: [list] };
      return { status: 200, headers: {}, body: JSON.stringify(body) };
    };
    const provider = new CloudflareList({ ...settings, zones: [] }, testPorts({ token: new Secret("t") }, send));
    return { provider, pages: () => pages };
  }

  const page = (result: unknown, after?: string) => ({
    success: true,
    errors: [],
    messages: [],
    result,
    result_info: { cursors: after === undefined ? {} : { after } },
  });

  test.each<readonly [string, (at: number) => unknown]>([
    ["a cursor that stands still", () => page([item], "same")],
    ["an empty page with a next one", (at) => page([], String(at))],
    ["success: false in a 200", () => ({ success: false, errors: [], result: [item] })],
    ["no result", () => ({ success: true, errors: [] })],
    ["an item without an id", () => page([{ ip: "198.18.0.1" }])],
    ["an item of ours that is no address", () => page([{ ...item, ip: "example.org" }])],
  ])("observe: %s is an error, never a shorter list, and not asked for for ever", async (_name, items) => {
    const { provider, pages } = providerOf(items);
    expect((await provider.observe()).ok).toBe(false);
    expect(pages()).toBeLessThanOrEqual(2);
  });

  test("observe: an answer without errors, with nulls, is read", async () => {
    const seen = await providerOf(() => ({
      success: true,
      errors: null,
      messages: null,
      result: [{ ...item, comment: null }],
      result_info: null,
    })).provider.observe();
    expect(seen).toMatchObject({ ok: true, value: { ours: [], foreign: [{ id: "item:198.18.0.1" }] } });
  });
});
