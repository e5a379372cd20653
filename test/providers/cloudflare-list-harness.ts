// Brings cloudflare-list to the laws: a list that setup made in the simulated account, over real HTTP, with the run-time token and no more.
import * as v from "valibot";
import type { CloudflareListSettings } from "../../providers/cloudflare-list/config.ts";
import { isOurComment } from "../../providers/cloudflare-list/config.ts";
import { cloudflareList } from "../../providers/cloudflare-list/index.ts";
import { displayCidr } from "../../shared/address/index.ts";
import { Secret } from "../../shared/ports.ts";
import type { ProviderHarness, Trouble, World } from "../conformance/provider-laws.ts";
import type { CloudflareServerOptions, CloudflareSimulator, List, Mishap } from "../simulators/cloudflare.ts";
import { accountId, startFixture, tokens, zones } from "../simulators/cloudflare-fixtures.ts";
import { type TestPorts, testPorts } from "./ports.ts";

export const storeId = "store-acme-prod";
export const listName = "portcullis";

export interface CloudflareHarnessOptions {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly server?: Omit<CloudflareServerOptions, "nowMs">;
  /** Without a claim: as before the first `setup`. */
  readonly unclaimed?: boolean;
}

export interface CloudflareHarness extends ProviderHarness {
  readonly cloudflare: CloudflareSimulator;
  readonly settings: CloudflareListSettings;
  readonly ports: TestPorts;
  /** Our list in the simulated account. */
  readonly list: () => List;
}

export function settingsFor(url: string, options: CloudflareHarnessOptions): CloudflareListSettings {
  // A small quota, so that the laws about a full target stay short.
  return v.parse(cloudflareList.settings, { account: accountId, list: listName, zones, items: 40, endpoint: url, ...options.settings });
}

const mishaps = {
  throttle: (seconds) => ({ kind: "throttle", retryAfterSeconds: seconds }),
  lostAnswer: () => ({ kind: "drop", committed: true }),
  lostCall: () => ({ kind: "drop", committed: false }),
  serverError: () => ({ kind: "serverError", status: 500, committed: true }),
  unreadable: () => ({ kind: "garbage", committed: false }),
} as const satisfies Partial<Record<Trouble["kind"], (seconds: number | null) => Mishap>>;

function trouble(cloudflare: CloudflareSimulator, given: Trouble): void {
  if (given.kind === "revoked" || given.kind === "restored") {
    cloudflare.faults.credentialsRevoked = given.kind === "revoked";
    return;
  }
  const route = given.kind === "unreadable" ? "lists.list" : "items.create";
  cloudflare.faults.next.push({ route, mishap: mishaps[given.kind](given.kind === "throttle" ? given.retryAfterSeconds : null) });
}

function itemsOf(list: List): readonly (readonly [string, string, string | null])[] {
  return [...list.items.values()].map(({ id, ip, comment }) => [id, ip, comment]);
}

function worldOf(cloudflare: CloudflareSimulator, settings: CloudflareListSettings, ports: TestPorts): World {
  const account = cloudflare.account(settings.account);
  const own = () => account.list(settings.list);
  const isShared = settings.shared === "allow";
  const others = () => [...account.lists.values()].filter((list) => list !== own()).map((list) => [list.name, itemsOf(list)]);
  const rules = () => settings.zones.map((zone) => cloudflare.zone(zone).ruleset);
  const writesBefore = cloudflare.writes;
  return {
    state: () => {
      account.settle();
      return JSON.stringify([own().description, itemsOf(own()), others(), rules()]);
    },
    foreign: () => JSON.stringify([itemsOf(own()).filter(([, , comment]) => !isOurComment(comment)), others(), rules()]),
    // A list of our own is nobody else's place: a person then uses another, and the same quota.
    addForeign: () => {
      const list = isShared ? own() : account.addList({ name: "of_the_office" });
      account.edit(list, [{ ip: "192.0.2.0/24", comment: "partner" }, { ip: "2001:db8:99::/48" }, { ip: "192.0.2.9" }]);
    },
    // The place of a value is the value; that case is not for a law, whose address must stand afterwards. What is around it is.
    takePlacesOf: (step) => {
      const around = step.slots.map((value) => ({ ip: `${value.split(/[./:]/).slice(0, 2).join(".")}.0.0/16`, comment: "mine" }));
      account.edit(own(), around, isShared ? [] : around.map((item) => item.ip));
      if (!isShared) ports.advance(1);
    },
    removeOurs: (entry) => account.edit(own(), [], [displayCidr(entry.cidr)]),
    writes: () => cloudflare.writes - writesBefore,
    advance: ports.advance,
    trouble: (given) => trouble(cloudflare, given),
  };
}

export async function cloudflareHarness(options: CloudflareHarnessOptions = {}): Promise<CloudflareHarness> {
  const ports = testPorts({ token: new Secret(tokens.run) });
  const cloudflare = await startFixture({ ...options.server, nowMs: ports.clock.now });
  const settings = settingsFor(cloudflare.url, options);
  const operator = () => cloudflareList.create(settings, { ...ports, secrets: { token: new Secret(tokens.setup) } });
  if (!options.unclaimed) {
    const claimed = await operator().setup({ action: "claim", storeId, adopt: false });
    if (!claimed.ok) throw claimed.error;
    ports.advance(1_000);
  }
  const list = () => cloudflare.account(settings.account).list(settings.list);
  return {
    definition: cloudflareList,
    storeId,
    cloudflare,
    settings,
    ports,
    list,
    provider: () => cloudflareList.create(settings, ports),
    operator,
    world: worldOf(cloudflare, settings, ports),
    nowMs: ports.clock.now,
    logs: ports.logs,
    secrets: () => Object.values(tokens),
    close: () => cloudflare.close(),
  };
}
