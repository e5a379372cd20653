// The reference kind: a strict firewall in memory, numbered places, one mark. It passes every law first, so that the laws themselves are tested;
// core tests may use it as a target without a network.
import * as v from "valibot";
import { type Cidr, cidrText, sameCidr } from "../../shared/address/index.ts";
import { fail, ok, PortcullisError, type Result } from "../../shared/errors.ts";
import type { EpochMs, Signal } from "../../shared/ports.ts";
import type {
  CompileRequest,
  Entry,
  Observation,
  Outcome,
  Provider,
  ProviderDefinition,
  ProviderPorts,
  SetupAction,
  SetupReport,
  Step,
} from "../../shared/provider.ts";

export type MemoryTrouble = "throttled" | "lostAnswer" | "lostCall" | "serverError";

export interface MemoryPlace {
  readonly cidr: Cidr;
  readonly ours: boolean;
}

type Write = { readonly verb: "put" | "replace" | "delete"; readonly place: number; readonly cidr: Cidr };

/** The far side. Strict: a put needs an empty place, a replace and a delete a full one, and every call a valid key. */
export class MemoryFirewall {
  readonly capacity: number;
  readonly places = new Map<number, MemoryPlace>();
  mark: string | null = null;
  key = "memory-secret";
  writes = 0;
  unreadable = false;
  /** Used up one by one by writes. */
  readonly troubles: { readonly kind: MemoryTrouble; readonly retryAfterSeconds: number | null }[] = [];

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  read(key: string): ReadonlyMap<number, MemoryPlace> | "unauthorised" | "unreadable" {
    if (key !== this.key) return "unauthorised";
    if (!this.unreadable) return new Map(this.places);
    this.unreadable = false;
    return "unreadable";
  }

  write(
    key: string,
    change: Write,
  ): "done" | "unauthorised" | "exists" | "missing" | "full" | { readonly trouble: MemoryTrouble; readonly retryAfterSeconds: number | null } {
    this.writes += 1;
    if (key !== this.key) return "unauthorised";
    const trouble = this.troubles.shift();
    if (trouble !== undefined && trouble.kind !== "lostAnswer") return { trouble: trouble.kind, retryAfterSeconds: trouble.retryAfterSeconds };
    const result = this.#commit(change);
    return trouble === undefined ? result : { trouble: trouble.kind, retryAfterSeconds: null };
  }

  #commit({ verb, place, cidr }: Write): "done" | "exists" | "missing" | "full" {
    if (place < 1 || place > this.capacity) return "full";
    if (verb === "put" && this.places.has(place)) return "exists";
    if (verb !== "put" && !this.places.has(place)) return "missing";
    if (verb === "delete") this.places.delete(place);
    else this.places.set(place, { cidr, ours: true });
    return "done";
  }
}

const nativeSchema = v.strictObject({
  verb: v.picklist(["put", "replace", "delete"]),
  place: v.number(),
  cidr: v.custom<Cidr>((value) => typeof value === "object"),
});

const idOf = (place: number, cidr: Cidr) => `${place}=${cidrText(cidr)}`;
const placeOf = (id: string) => Number.parseInt(id, 10);

function unavailable(why: string): Result<never> {
  return fail("PROVIDER_UNAVAILABLE", why);
}

export class MemoryProvider implements Provider {
  readonly #firewall: MemoryFirewall;
  readonly #ports: Pick<ProviderPorts, "clock" | "secrets">;

  constructor(firewall: MemoryFirewall, ports: Pick<ProviderPorts, "clock" | "secrets">) {
    this.#firewall = firewall;
    this.#ports = ports;
  }

  get #key(): string {
    return this.#ports.secrets.key?.reveal() ?? "";
  }

  admit() {
    return { kind: "accept" } as const;
  }

  async observe(signal?: Signal): Promise<Result<Observation>> {
    if (signal?.aborted) return unavailable("the call was aborted before it was sent");
    const places = this.#firewall.read(this.#key);
    if (places === "unauthorised") return fail("PROVIDER_AUTH", "the memory firewall refused the key; set the right one");
    if (places === "unreadable") return unavailable("the memory firewall gave an unreadable answer");
    const sorted = [...places].sort(([one], [other]) => one - other);
    const foreign = sorted.filter(([, place]) => !place.ours);
    return ok({
      ours: sorted.filter(([, place]) => place.ours).map(([number, { cidr }]) => ({ id: idOf(number, cidr), cidr, partial: null })),
      foreign: foreign.map(([number, { cidr }]) => ({ id: String(number), summary: `place ${number}: ${cidrText(cidr)}` })),
      pools: [{ name: "places", families: [4, 6], limit: this.#firewall.capacity - foreign.length }],
      storeId: this.#firewall.mark,
      enforcing: { yes: true },
      terminal: null,
      serverDate: this.#ports.clock.now(),
    });
  }

  compile({ changes, frozen, observation }: CompileRequest): readonly Step[] {
    const used = new Set([...observation.ours, ...observation.foreign].map((entry) => placeOf(entry.id)));
    let standing: readonly Entry[] = observation.ours;
    const steps: Step[] = [];
    const take = (verb: Write["verb"], place: number, cidr: Cidr, gone: readonly Entry[]) => {
      const added: readonly Entry[] = verb === "delete" ? [] : [{ id: idOf(place, cidr), cidr, partial: null }];
      const removed = gone.map((entry) => entry.id);
      standing = [...standing.filter((entry) => !removed.includes(entry.id)), ...added];
      const [slots, summary] = [[String(place)], `${verb} ${cidrText(cidr)} at place ${place}`];
      steps.push({
        id: `memory/${verb}/${place}/${cidrText(cidr)}`,
        summary,
        slots,
        adds: added,
        removes: removed,
        native: { verb, place, cidr: { ...cidr } },
      });
    };
    for (const change of changes) {
      if (change.verb !== "remove" && standing.some((entry) => sameCidr(entry.cidr, change.cidr))) continue;
      if (change.verb === "add") {
        const free = Array.from({ length: this.#firewall.capacity }, (_, at) => at + 1).find((place) => !used.has(place) && !frozen.has(String(place)));
        if (free === undefined) continue;
        used.add(free);
        take("put", free, change.cidr, []);
        continue;
      }
      const place = placeOf(change.entry.id);
      if (frozen.has(String(place)) || !standing.some((entry) => entry.id === change.entry.id)) continue;
      if (change.verb === "swap") take("replace", place, change.cidr, [change.entry]);
      else {
        used.delete(place);
        take("delete", place, change.entry.cidr, [change.entry]);
      }
    }
    return steps;
  }

  async apply(step: Step, signal?: Signal): Promise<Outcome> {
    const failed = (error: PortcullisError): Outcome => ({ kind: "failed", error });
    if (signal?.aborted) return failed(new PortcullisError("PROVIDER_UNAVAILABLE", "the call was aborted before it was sent"));
    const native = v.safeParse(nativeSchema, step.native);
    if (!native.success) return failed(new PortcullisError("PROVIDER_REJECTED", `step ${step.id} is not a step of this kind`));
    const answer = this.#firewall.write(this.#key, native.output);
    if (answer === "done") return { kind: "applied" };
    if (answer === "unauthorised") return failed(new PortcullisError("PROVIDER_AUTH", "the memory firewall refused the key; set the right one"));
    if (answer === "full") return failed(new PortcullisError("CAPACITY_EXCEEDED", `the memory firewall has ${this.#firewall.capacity} places`));
    if (answer === "exists") return { kind: "conflict", why: `place ${native.output.place} is taken` };
    if (answer === "missing") return native.output.verb === "delete" ? { kind: "already" } : { kind: "conflict", why: `place ${native.output.place} is empty` };
    if (answer.trouble === "throttled") return { kind: "throttled", retryAtMs: this.#later(answer.retryAfterSeconds ?? 2), why: "the memory firewall is busy" };
    return { kind: "unknown", why: `the memory firewall did not say (${answer.trouble})` };
  }

  #later(seconds: number): EpochMs {
    return this.#ports.clock.now() + seconds * 1_000;
  }

  async setup(action: SetupAction): Promise<Result<SetupReport>> {
    const firewall = this.#firewall;
    const report = (line: string, changed: boolean): Result<SetupReport> => ok({ lines: [line], changed });
    if (action.action === "release") {
      const changed = firewall.mark !== null;
      firewall.mark = null;
      return report(changed ? "released" : "was not claimed", changed);
    }
    if (firewall.mark === action.storeId) return report("already claimed", false);
    if (firewall.mark !== null) return fail("OWNERSHIP_CONFLICT", `claimed by store ${firewall.mark}, not ${action.storeId}; release it there first`);
    const standing = [...firewall.places.values()].filter((place) => place.ours).length;
    if (standing > 0 && !action.adopt) return fail("OWNERSHIP_CONFLICT", `${standing} entries stand already; adopt them, or clear them`);
    firewall.mark = action.storeId;
    return report("claimed", true);
  }
}

/** A definition around one firewall; its instances need a `key` secret. */
export function memoryDefinition(firewall: MemoryFirewall): ProviderDefinition<{ readonly name: string }> {
  const yes = { support: "yes" } as const;
  return {
    kind: "memory",
    title: "Firewall in memory",
    granularity: "entry",
    capabilities: { ipv4Host: yes, ipv4Range: yes, ipv6Host: yes, ipv6Range: yes, swap: yes, egress: { support: "no", note: "there is no traffic at all" } },
    limits: [{ name: "places", value: firewall.capacity, unit: "entries", source: "test/simulators/memory-provider.ts", checked: "2026-11-20" }],
    permissions: ["memory:write"],
    credentials: [{ name: "key", required: true, note: "the firewall's key" }],
    observeLagMs: 0,
    caveats: ["It stops nobody."],
    settings: v.strictObject({ name: v.string() }),
    place: ({ name }) => ({ name, span: null }),
    serialKey: ({ name }) => `memory:${name}`,
    hostSuffixes: () => [],
    create: (_settings, ports) => new MemoryProvider(firewall, ports),
  };
}
