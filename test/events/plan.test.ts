// From decisions to a record: what each step is to do, from when and for how long, by whose rights, and what is not done at all.
import { describe, expect, test } from "vitest";
import { type Arrival, recordOf } from "../../shared/event/plan.ts";
import type { StepRecord } from "../../shared/event/record.ts";
import { limits } from "../../shared/limits.ts";
import type { Decision, Outcome, PlannedAction, PlannedBlock } from "../../shared/playbook/decide.ts";
import { startMs, testConfig } from "../coordinator/world.ts";
import { calling } from "./support.ts";

const hour = 3_600_000;
const plain = testConfig();
const config = { ...plain, alerts: { ...plain.alerts, elastalert: { ...plain.alerts.elastalert, forMs: 3 * hour } } };
const arrival: Arrival = {
  event: calling,
  sender: { name: "detector", own: "192.0.2.1", client: { longestMs: 24 * hour, widest: { ipv4: 32, ipv6: 64 }, targets: null, mode: "enforce" } },
  receipt: startMs,
  now: startMs + 5,
};
const rest = { retry: null, continueOnError: false, left: [], nothing: null } as const;
const address = "203.0.113.66/32";
const block: PlannedBlock = { ...rest, path: "do[0]", action: "block", addresses: [address], forMs: 2 * hour, severity: "high", targets: null };
const log: PlannedAction = { ...rest, path: "do[1]", action: "log", message: "it calls home" };

function decision(actions: readonly PlannedAction[], changes: Partial<Decision> = {}): Decision {
  const found = { matches: true, decisive: [], terms: [], stages: actions.map((action) => [action]) } as const;
  return { playbook: "calls-home", title: "Something calls home", outcome: "acts", askMs: null, why: "it matches", firingKey: "key", ...found, ...changes };
}

function record(
  decisions: readonly Decision[],
  changes: { readonly client?: Partial<Arrival["sender"]["client"]>; readonly event?: Partial<Arrival["event"]> } = {},
) {
  const client = { ...arrival.sender.client, ...changes.client };
  return recordOf(decisions, { ...arrival, event: { ...arrival.event, ...changes.event }, sender: { ...arrival.sender, client } }, config);
}

function stepsOf(actions: readonly PlannedAction[], changes: Parameters<typeof record>[1] = {}): readonly StepRecord[] {
  const found = record([decision(actions)], changes)?.runs[0]?.steps;
  if (found === undefined) throw new Error("nothing fires");
  return found;
}

describe("a step", () => {
  test("block: from the event on, for as long as the step says, waiting for its first try", () => {
    const [step] = stepsOf([block]);
    expect(step).toMatchObject({ path: "do[0]", stage: 0, state: "waiting", tries: 0, begun: 0, nextAt: startMs + 5, error: null, said: [] });
    expect(step?.act).toMatchObject({ action: "block", addresses: [address], severity: "high", targets: null, until: startMs - 1_000 + 2 * hour });
  });

  test("length: the step's, else the one of the source's alerts, else the configuration's", () => {
    const lengthOf = (forMs: number | null, source: Arrival["event"]["source"]) => {
      const { act } = stepsOf([{ ...block, forMs }], { event: { source, at: startMs } })[0] ?? {};
      return act?.action === "block" ? act.until - act.at : null;
    };
    expect([lengthOf(hour / 2, "falco"), lengthOf(null, "falco"), lengthOf(null, "elastalert")]).toEqual([hour / 2, config.defaults.forMs, 3 * hour]);
    expect(config.defaults.forMs).not.toBe(3 * hour);
  });

  test("lift: its addresses, as of the request; what it leaves alone is said", () => {
    const [step] = stepsOf([{ ...rest, path: "do[0]", action: "lift", addresses: [address], left: ["198.51.100.4/32: is left alone"] }]);
    expect(step).toMatchObject({ state: "waiting", act: { action: "lift", addresses: [address], at: startMs }, said: ["198.51.100.4/32: is left alone"] });
  });

  test("log: says its message and nothing besides", () => {
    expect(stepsOf([log])[0]).toMatchObject({ act: { action: "log", message: "it calls home" }, said: [], state: "waiting" });
  });

  test("targets: the step's, as far as the client may select them; where it may select none of them, the step is refused and says so", () => {
    const targetsOf = (asked: readonly string[] | null, allowed: readonly string[] | null) => {
      const { act, state } = stepsOf([{ ...block, targets: asked }], { client: { targets: allowed } })[0] ?? {};
      return [act?.action === "block" ? act.targets : "none", state];
    };
    expect(targetsOf(null, null)).toEqual([null, "waiting"]);
    expect(targetsOf(["web"], null)).toEqual([["web"], "waiting"]);
    expect(targetsOf(null, ["hub"])).toEqual([["hub"], "waiting"]);
    expect(targetsOf(["web", "hub"], ["hub"])).toEqual([["hub"], "waiting"]);
    expect(targetsOf(["web"], ["hub"])).toEqual([[], "refused"]);
    const [refused] = stepsOf([{ ...block, targets: ["web"] }], { client: { targets: ["hub"] } });
    expect([refused?.nextAt, refused?.said.join()]).toEqual([null, expect.stringContaining("clients.detector.targets")]);
  });

  test("nothing to do: is done at once, and says why", () => {
    const [step] = stepsOf([{ ...block, addresses: [], nothing: "the event names no address of the attacker" }]);
    expect(step).toMatchObject({ state: "done", nextAt: null, said: ["the event names no address of the attacker"] });
  });

  test("many: as many addresses as a step takes, and what is over is said; what is said is bounded too", () => {
    const most = limits.eventAddressesMax;
    const addresses = Array.from({ length: most + 1 }, (_, at) => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}/32`);
    const [all] = stepsOf([{ ...block, addresses: addresses.slice(1) }]);
    expect([all?.act.action === "block" && all.act.addresses.length, all?.said]).toEqual([most, []]);
    const [some] = stepsOf([{ ...block, addresses, left: addresses }]);
    expect(some?.act.action === "block" && some.act.addresses).toEqual(addresses.slice(0, most));
    expect(some?.said).toHaveLength(most);
    expect(some?.said[0]).toBe(`only the first ${most} of ${most + 1} addresses: one step takes no more`);
  });

  test("retry: the step's own, else the usual one", () => {
    const own = { times: 9, waitMs: 7_000 };
    expect(stepsOf([{ ...block, retry: own }, log]).map(({ retry }) => retry)).toEqual([
      own,
      { times: limits.retryUsualTimes, waitMs: limits.retryUsualWaitMs },
    ]);
  });
});

describe("a run", () => {
  test.each<[Outcome, Partial<Decision>, string, string]>([
    ["acts", {}, "acts", "open"],
    ["observes", { outcome: "observes", why: "mode: observe" }, "observes", "observed"],
    ["asks", { outcome: "asks", askMs: hour }, "asks", "asking"],
  ])("%s", (_outcome, changes, outcome, state) => {
    const found = record([decision([block, log], changes)]);
    expect(found).toMatchObject({
      state,
      client: "detector",
      own: "192.0.2.1",
      bounds: { longestMs: 24 * hour },
      receivedAt: startMs + 5,
      updatedAt: startMs + 5,
    });
    expect(found?.runs).toHaveLength(1);
    expect(found?.runs[0]).toMatchObject({ playbook: "calls-home", outcome, state, agreedAt: null, why: changes.why ?? "it matches" });
    const asked = found?.runs[0];
    expect([asked?.askUntil, typeof asked?.plan]).toEqual(state === "asking" ? [startMs + 5 + hour, "string"] : [null, "object"]);
  });

  test("done: with nothing left to do; open while one step is left", () => {
    const nothing = { ...block, nothing: "it names nobody" };
    expect(record([decision([nothing])])?.runs[0]).toMatchObject({ outcome: "acts", state: "done" });
    expect(record([decision([nothing, log])])?.runs[0]?.state).toBe("open");
  });

  test("a client that observes: nothing is done and nobody is asked, and it says whose word that is", () => {
    for (const changes of [{}, { outcome: "asks" as const, askMs: hour }]) {
      const found = record([decision([block], changes)], { client: { mode: "observe" } });
      expect(found?.runs[0]).toMatchObject({
        outcome: "observes",
        state: "observed",
        askUntil: null,
        why: expect.stringContaining("client detector is in observe mode"),
      });
    }
  });

  test("fires: what acts, asks or observes; nothing is recorded of the rest, and nothing at all where none fires", () => {
    const named = (playbook: string, outcome: Outcome) => decision([log], { playbook, outcome, firingKey: playbook });
    const rest = [named("no", "no"), named("throttled", "throttled")];
    const found = record([...rest, named("acts", "acts"), named("observes", "observes")]);
    expect(found?.runs.map(({ playbook }) => playbook)).toEqual(["acts", "observes"]);
    expect(found?.firings).toHaveLength(2);
    expect([record(rest), record([])]).toEqual([null, null]);
  });
});
