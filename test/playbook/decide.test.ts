// Deciding: what fires with which actions, and for everything that does not, the true reason.
import { array, assert, boolean, constantFrom, property, record } from "fast-check";
import { describe, expect, it } from "vitest";
import type { DetectionEvent } from "../../shared/event/event.ts";
import { eventCategories } from "../../shared/event/event.ts";
import { compilePlaybook, decide, noHistory, throttleKey } from "../../shared/playbook/decide.ts";
import { changed, decisionOf, emptyEvent, guess, playbookOf, validText } from "./support.ts";

describe("decide", () => {
  it("decide: a playbook that matches acts, with its actions planned in order", () => {
    const decision = decisionOf(validText);
    expect(decision).toMatchObject({ outcome: "acts", matches: true });
    const base = { retry: null, continueOnError: false, left: [], nothing: null };
    expect(decision.stages).toEqual([
      [{ ...base, path: "do[0]", action: "block", addresses: ["203.0.113.7/32"], forMs: 14_400_000, severity: "high", targets: null }],
      [{ ...base, path: "do[1]", action: "log", message: "an attacker was blocked" }],
    ]);
  });

  it("decide: observe plans the same and does nothing; approve asks first", () => {
    const observed = decisionOf(changed("mode: enforce", "mode: observe"));
    expect(observed).toMatchObject({ outcome: "observes", matches: true });
    expect(observed.stages).toEqual(decisionOf(validText).stages);
    expect(decisionOf(changed("mode: enforce\n", ""))).toMatchObject({ outcome: "observes" });
    expect(decisionOf(changed("throttle:", "approve: { within: 2h }\nthrottle:"))).toMatchObject({ outcome: "asks", why: expect.stringContaining("2h") });
  });

  it.each<readonly [string, Partial<DetectionEvent>, string]>([
    ["source", { source: "macie" }, "on: the source is macie, not guardduty, falco"],
    ["category", { category: "shell" }, "on: the category is shell, not brute-force"],
    ["status", { status: "resolved" }, "on: the status is resolved, not firing"],
    ["sample", { sample: true }, "on: it is a sample of the source; `sample: true` would take it"],
    ["first part", { direction: "outbound", severity: "low" }, 'when: event.direction == "inbound" is false'],
    ["second part", { severity: "low" }, "when: event.level >= 1 is false"],
  ])("decide: why not: %s", (_what, change, why) => {
    expect(decisionOf(validText, { ...guess, ...change })).toMatchObject({ outcome: "no", matches: false, why, stages: [] });
  });

  it("decide: of || all parts are named, and of an error its cause", () => {
    const text = changed('event.direction == "inbound" && event.level >= 1', "event.sample || event.evidence.tries > 3");
    expect(decisionOf(text).why).toBe('when: event.sample is false and event.evidence.tries > 3 cannot be answered: the event has no evidence "tries"');
  });

  it("decide: a type with a star stands for any rest, and only there", () => {
    const text = changed("category: brute-force", 'type: ["UnauthorizedAccess:*", Exact]');
    expect(decisionOf(text).matches).toBe(true);
    expect(decisionOf(text, { ...guess, type: "Exact" }).matches).toBe(true);
    expect(decisionOf(text, { ...guess, type: "Exactly" }).matches).toBe(false);
  });

  it("decide: the throttle counts what lies within its time, apart for each actor", () => {
    const firings = new Map([[throttleKey(playbookOf(validText), guess), [1_000_000, 999_000, 700_001]]]);
    const history = (now: number) => ({ now, firings: (key: string) => firings.get(key) ?? [] });
    expect(decisionOf(validText, guess, history(1_000_000))).toMatchObject({
      outcome: "throttled",
      matches: true,
      why: "throttle: fired 3 times within 5m for this actor, at most 3",
    });
    expect(decisionOf(validText, guess, history(1_000_001))).toMatchObject({ outcome: "acts" });
    expect(decisionOf(validText, { ...guess, actor: { addresses: ["192.0.2.1/32"] } }, history(1_000_000))).toMatchObject({ outcome: "acts" });
    const whole = changed("most: 3,", "per: playbook, most: 3,");
    expect(throttleKey(playbookOf(whole), guess)).toBe("guessing");
    expect(throttleKey(playbookOf(changed("most: 3,", "per: event, most: 3,")), guess)).toBe("guessing:gd-1");
  });

  it("decide: an event without addresses plans a block of nothing, and says so", () => {
    const decision = decisionOf(validText, { ...guess, actor: { addresses: [] } });
    expect(decision.stages[0]?.[0]).toMatchObject({ addresses: [], nothing: "the event names no address of the attacker" });
  });

  it("decide: what is ours is never blocked, not by widening either", () => {
    const text = changed("severity: high", "severity: high, prefix: { ipv4: 24, ipv6: 64 }");
    const actor = { addresses: ["203.0.113.7/32", "203.0.113.9/32", "198.51.100.99/32", "2001:db8::1/128", "nonsense"] };
    expect(decisionOf(text, { ...guess, actor }).stages[0]?.[0]).toMatchObject({
      addresses: ["203.0.113.0/24", "2001:db8::/64"],
      left: ["198.51.100.0/24: holds an address of ours that the event names as attacked", "nonsense: not an address"],
      nothing: null,
    });
  });

  it("decide: for and severity are the step's, else the event's", () => {
    const plain = changed("block: { severity: high }\n    for: 4h", "block: {}");
    expect(decisionOf(plain).stages[0]?.[0]).toMatchObject({ forMs: null, severity: "medium" });
    expect(decisionOf(plain, { ...guess, forMs: 60_000 }).stages[0]?.[0]).toMatchObject({ forMs: 60_000 });
  });

  it("decide: steps side by side stand in one stage", () => {
    const text = changed(
      "  - log:",
      "  - together:\n      - lift:\n        retry: { times: 2 }\n      - log: { message: a }\n        continueOnError: true\n  - log:",
    );
    expect(decisionOf(text).stages.map((stage) => stage.map(({ path, action }) => `${path} ${action}`))).toEqual([
      ["do[0] block"],
      ["do[1].together[0] lift", "do[1].together[1] log"],
      ["do[2] log"],
    ]);
    expect(decisionOf(text).stages[1]).toMatchObject([{ retry: { times: 2, waitMs: 10_000 } }, { continueOnError: true }]);
  });

  it("law: a decision says why, plans exactly when it matches, and is the same again", () => {
    const playbooks = [validText, changed("mode: enforce", "mode: observe"), changed(/when:.*\n/.exec(validText)?.[0] ?? "", "")].map((text) =>
      compilePlaybook(playbookOf(text)),
    );
    const event = record({
      category: constantFrom(...eventCategories),
      source: constantFrom("guardduty", "other"),
      severity: constantFrom("low", "high"),
      sample: boolean(),
      direction: constantFrom("inbound", "outbound", null),
      status: constantFrom("firing", "resolved"),
      actor: record({ addresses: array(constantFrom("203.0.113.7/32", "2001:db8::/64", "x")) }),
    });
    assert(
      property(event, (change) => {
        const whole = { ...emptyEvent, ...change } as DetectionEvent;
        const decisions = decide(whole, playbooks, noHistory);
        expect(decide(whole, playbooks, noHistory)).toEqual(decisions);
        for (const { outcome, why, matches, stages } of decisions) {
          expect(why).not.toBe("");
          expect(stages.length > 0).toBe(matches);
          expect(outcome === "no").toBe(!matches);
          if (matches) expect(whole.sample || whole.status === "resolved").toBe(false);
        }
      }),
    );
  });
});

const addressed = (...addresses: readonly string[]) => ({ ...guess, actor: { addresses } });
const blockOf = (text: string, event: DetectionEvent) => decisionOf(text, event).stages[0]?.[0];

describe("what a decision says, whole", () => {
  const said = { playbook: "guessing", title: "Someone guesses passwords", firingKey: "guessing:203.0.113.7/32", askMs: null };
  const inbound = { term: 'event.direction == "inbound"', value: true, error: null };
  const level = { term: "event.level >= 1", value: true, error: null };
  const isFalse = { value: false };

  it("decide: another event", () => {
    expect(decisionOf(validText, { ...guess, source: "macie" })).toEqual({
      ...said,
      outcome: "no",
      why: "on: the source is macie, not guardduty, falco",
      matches: false,
      decisive: [],
      terms: [],
      stages: [],
    });
  });

  it("decide: another condition: the first part that is false, and all parts", () => {
    const event: DetectionEvent = { ...guess, severity: "low", direction: "outbound" };
    const terms = [
      { ...inbound, ...isFalse },
      { ...level, ...isFalse },
    ];
    expect(decisionOf(validText, event)).toEqual({
      ...said,
      outcome: "no",
      why: 'when: event.direction == "inbound" is false',
      matches: false,
      decisive: terms.slice(0, 1),
      terms,
      stages: [],
    });
  });

  it("decide: of &&, all parts decide that it holds; of ||, the first that is true, or all that are not", () => {
    const or = changed("&&", "||");
    const decisiveIn = (text: string, change: Partial<DetectionEvent>) => decisionOf(text, { ...guess, ...change }).decisive;
    expect(decisiveIn(validText, {})).toEqual([inbound, level]);
    expect(decisiveIn(or, {})).toEqual([inbound]);
    expect(decisiveIn(or, { direction: null })).toEqual([level]);
    expect(decisiveIn(or, { direction: null, severity: "low" })).toEqual([
      { ...inbound, ...isFalse },
      { ...level, ...isFalse },
    ]);
  });

  it("decide: without a condition nothing is asked", () => {
    expect(decisionOf(changed(/when:.*\n/.exec(validText)?.[0] ?? "", ""))).toMatchObject({
      ...said,
      outcome: "acts",
      why: "it matches",
      decisive: [],
      terms: [],
    });
  });

  it("compilePlaybook: a condition that is none is the caller's fault, and says which", () => {
    const playbook = { ...playbookOf(validText), when: "foo" };
    expect(() => compilePlaybook(playbook)).toThrow(
      expect.objectContaining({ code: "INVARIANT", message: 'playbook guessing was accepted with a condition that is not: unknown name "foo"' }),
    );
    expect(compilePlaybook({ ...playbook, when: null }).condition).toBeNull();
  });

  it("noHistory: nothing happened", () => {
    expect(noHistory.firings("guessing")).toEqual([]);
  });
});

describe("which events, which actor, which addresses", () => {
  it("decide: the star of a type stands for what follows the whole of what stands before it", () => {
    const text = changed("category: brute-force", "type: UnauthorizedAccess:*");
    for (const type of ["Unrelated", "UnauthorizedAccess", "UnauthorizedAccess-", "XUnauthorizedAccess:a"]) {
      expect([type, decisionOf(text, { ...guess, type })]).toMatchObject([type, { matches: false, why: `on: the type is ${type}, not UnauthorizedAccess:*` }]);
    }
    expect(decisionOf(text, { ...guess, type: "UnauthorizedAccess:" }).matches).toBe(true);
  });

  it.each<readonly [string, DetectionEvent["actor"], string]>([
    ["its addresses, in one order", { addresses: ["203.0.113.9/32", "203.0.113.7/32"], user: "a" }, "guessing:203.0.113.7/32,203.0.113.9/32"],
    ["its user", { addresses: [], user: "a", process: "b" }, "guessing:a"],
    ["its process", { addresses: [], process: "b" }, "guessing:b"],
    ["nothing but the event", { addresses: [] }, "guessing:gd-1"],
  ])("throttleKey: an actor is known by %s", (_what, actor, key) => {
    expect(throttleKey(playbookOf(validText), { ...guess, actor })).toBe(key);
  });

  it("decide: an address is widened, never narrowed", () => {
    const text = changed("severity: high", "prefix: { ipv4: 24 }");
    expect(blockOf(text, addressed("203.0.0.0/16", "203.0.113.0/24", "192.0.2.7/32", "2001:db8::1/128"))).toMatchObject({
      addresses: ["203.0.0.0/16", "203.0.113.0/24", "192.0.2.0/24", "2001:db8::1/128"],
    });
  });

  it("decide: two addresses of one range are one", () => {
    const text = changed("severity: high", "prefix: { ipv4: 24 }");
    expect(blockOf(text, addressed("192.0.2.7/32", "192.0.2.9/32"))).toMatchObject({ addresses: ["192.0.2.0/24"], left: [], nothing: null });
  });

  it("decide: where every address is left alone, it says so", () => {
    expect(blockOf(validText, addressed("198.51.100.4/32"))).toMatchObject({ addresses: [], nothing: "every address of the event is left alone" });
  });

  it("decide: a lift is of the attacker's addresses as they are", () => {
    const text = changed("block: { severity: high }\n    for: 4h", "lift: {}");
    expect(blockOf(text, addressed("203.0.113.7/32", "x"))).toEqual({
      path: "do[0]",
      retry: null,
      continueOnError: false,
      action: "lift",
      addresses: ["203.0.113.7/32"],
      left: ["x: not an address"],
      nothing: null,
    });
  });
});
