// One block, one lease, three clouds, in each runtime, as real processes over real HTTP: it comes everywhere, a repeat is silent,
// it goes everywhere when the lease ends, and what was a person's is as it was, byte for byte.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Demo, demoAcl, startDemo } from "../sandbox/demo.ts";
import { azureNames, cloudflareNames } from "../sandbox/other-clouds.ts";
import { runtimes } from "../sandbox/stack.ts";

const targets = ["aws-web", "azure-hub", "edge"] as const;
const ip = "203.0.113.77";
let demo: Demo;

interface Item {
  readonly status: string;
  readonly targets: Readonly<Record<string, { readonly state: string; readonly why?: string }>>;
}

async function block(seconds: number): Promise<Item> {
  const headers = { authorization: `Bearer ${demo.keys.admin}`, prefer: "wait=8" };
  const response = await fetch(`${demo.stack.url}/v1/blocks`, { method: "POST", headers, body: new URLSearchParams({ ip, for: `${seconds}s` }) });
  expect(response.status).toBeLessThan(300);
  const [item] = ((await response.json()) as { items: Item[] }).items;
  if (item === undefined) throw new Error("the answer names nothing");
  return item;
}

function clouds() {
  const { azure, cloudflare } = demo.stack.others;
  if (azure === null || cloudflare === null) throw new Error("not all clouds were started");
  return { acl: demo.stack.aws.acl(demoAcl), nsg: azure.group(azureNames.nsg), account: cloudflare.account(cloudflareNames.account), azure, cloudflare };
}

/** Where the address stands, by what each cloud holds. */
function standing(): readonly string[] {
  const { acl, nsg, account } = clouds();
  const atAws = acl.state.entries.some((entry) => entry.cidr === `${ip}/32`);
  const atAzure = nsg.rule("portcullis-deny")?.properties.sourceAddressPrefixes.some((prefix) => prefix.startsWith(ip)) ?? false;
  const atCloudflare = [...account.list("portcullis").items.values()].some((item) => item.ip === ip);
  return targets.filter((_, index) => [atAws, atAzure, atCloudflare][index]);
}

/** Everything that is not ours, as text. */
function foreign(): string {
  const { acl, nsg, cloudflare } = clouds();
  const rules = nsg.state.rules.filter((rule) => !rule.name.startsWith("portcullis"));
  const zone = cloudflare.zone(cloudflareNames.zone).ruleset?.rules;
  return JSON.stringify([acl.state.entries.filter((entry) => entry.number > 40), rules, zone]);
}

function writes(): readonly number[] {
  const { azure, cloudflare } = clouds();
  return [demo.stack.aws.writes, azure.writes, cloudflare.writes];
}

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; tries < 90; tries += 1) {
    if (await holds()) return;
    await demo.stack.worker.tick();
    await new Promise((resume) => setTimeout(resume, 1_000));
  }
  throw new Error(`not within bounds: ${what}; it stands at ${standing().join(", ") || "none"}`);
}

describe.each(runtimes)("three clouds in %s", (runtime) => {
  beforeAll(async () => {
    demo = await startDemo({ clouds: ["azure", "cloudflare"], runtime });
  }, 120_000);
  afterAll(async () => demo?.stack.close());

  test("block: one lease stands at every cloud, a repeat writes nowhere, and its end opens every gate", { timeout: 240_000 }, async () => {
    const before = foreign();
    await block(45);
    await until("the block stands everywhere", () => standing().length === targets.length);
    await until("every state says so", async () => Object.values((await block(45)).targets).every((target) => target.state === "enforced"));

    const written = writes();
    const repeated = await block(30);
    expect([repeated.status, targets.map((target) => repeated.targets[target]?.state)]).toEqual(["unchanged", ["enforced", "enforced", "enforced"]]);
    expect(writes()).toEqual(written);

    await until("the block is gone everywhere", () => standing().length === 0);
    expect(foreign()).toBe(before);
  });
});
