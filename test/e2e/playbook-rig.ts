// A deployment with three clouds and playbooks, in a real runtime, for whoever sends it events: how they arrive is the caller's business; here is what
// is asked of every way in. Refuses to know a detector's format.
import type { EventState } from "../../shared/event/record.ts";
import { type Demo, type DemoOptions, demoAcl, startDemo } from "../sandbox/demo.ts";
import { azureNames, cloudflareNames } from "../sandbox/other-clouds.ts";

export const everyCloud = ["aws-web", "azure-hub", "edge"] as const;

export interface EventRow {
  readonly id: string;
  readonly state: EventState;
  readonly client: string;
  readonly source: string;
  readonly playbooks: readonly string[];
}

export class PlaybookRig {
  readonly demo: Demo;

  constructor(demo: Demo) {
    this.demo = demo;
  }

  static async start(
    options: Pick<DemoOptions, "runtime" | "clients" | "onLog" | "persistTo" | "played" | "coordinator" | "queue"> & { readonly playbooks: string },
  ): Promise<PlaybookRig> {
    const { playbooks, ...rest } = options;
    return new PlaybookRig(await startDemo({ ...rest, clouds: ["azure", "cloudflare"], sections: `playbooks:\n${playbooks}` }));
  }

  get url(): string {
    return this.demo.stack.url;
  }

  /** At which clouds an entry for the address stands, by what each cloud holds; a name twice: it stands there twice. */
  standing(ip: string): readonly string[] {
    const { aws, others } = this.demo.stack;
    const { azure, cloudflare } = others;
    if (azure === null || cloudflare === null) throw new Error("not all clouds were started");
    const atAws = aws.acl(demoAcl).state.entries.filter((entry) => entry.cidr === `${ip}/32` && entry.number <= 40).length;
    const prefixes = azure.group(azureNames.nsg).rule("portcullis-deny")?.properties.sourceAddressPrefixes ?? [];
    const atAzure = prefixes.filter((prefix) => prefix.replace("/32", "") === ip).length;
    const items = [...cloudflare.account(cloudflareNames.account).list("portcullis").items.values()];
    const atCloudflare = items.filter((item) => item.ip === ip).length;
    return [atAws, atAzure, atCloudflare].flatMap((count, index) => Array.from({ length: count }, () => everyCloud[index] ?? ""));
  }

  async get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.url}${path}`, { headers: { authorization: `Bearer ${this.demo.keys.admin}` } });
    if (response.status !== 200) throw new Error(`${path}: ${response.status}: ${await response.text()}`);
    return (await response.json()) as T;
  }

  async events(): Promise<readonly EventRow[]> {
    return (await this.get<{ events: readonly EventRow[] }>("/v1/events?limit=200")).events;
  }

  /** Whose leases stand on the address, one per lease. */
  async leases(ip: string): Promise<readonly string[]> {
    const { leases } = await this.get<{ leases: readonly { readonly client: string }[] }>(`/v1/blocks/${ip}`);
    return leases.map(({ client }) => client);
  }

  /** Waits, with a tick each second, until it holds: a kill in the middle of a write lets its place rest for more than a minute. */
  async until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
    for (let tries = 0; tries < 150; tries += 1) {
      if (await holds()) return;
      await new Promise((resume) => setTimeout(resume, 1_000));
      await this.demo.stack.worker.tick();
    }
    throw new Error(`not within bounds: ${what}`);
  }

  close(): Promise<void> {
    return this.demo.stack.close();
  }
}
