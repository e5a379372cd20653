// The coordinator's world with two IP sets as its target instead of an ACL: the production pass over the strict simulator.
import type { Target } from "../../functions/pass/world.ts";
import { setsOf } from "../../providers/aws-waf/config.ts";
import { awsWaf } from "../../providers/aws-waf/index.ts";
import { withMark } from "../../providers/aws-waf/mark.ts";
import { cidrKey, cidrOf, cidrText, parseCidr } from "../../shared/address/index.ts";
import { PortcullisError } from "../../shared/errors.ts";
import { Secret, type Transport } from "../../shared/ports.ts";
import { CoordinatedWorld, startMs, storeId } from "../coordinator/world.ts";
import { SimulatedWaf } from "../simulators/aws-waf/simulator.ts";
import { type Arns, arnsOf, fixtureOf, keys } from "../simulators/aws-waf-fixtures.ts";
import { settingsFor } from "./aws-waf-harness.ts";

export class WafWorld extends CoordinatedWorld {
  readonly waf: SimulatedWaf;
  readonly arns: Arns = arnsOf("REGIONAL");
  readonly settings = settingsFor("http://simulator/");

  constructor() {
    super({ config: { targets: { edge: { kind: "aws-waf", mode: "enforce", maxEntries: null, settings: {}, credentials: {}, formerly: null } } } });
    this.waf = new SimulatedWaf({ ...fixtureOf("REGIONAL"), nowMs: () => this.now });
    for (const set of setsOf(this.settings)) this.waf.set(set.arn).edit({ description: withMark("", storeId, set) });
  }

  override targets(send: Transport): Target[] {
    const secrets = { accessKeyId: new Secret(keys.run.accessKeyId), secretAccessKey: new Secret(keys.run.secretAccessKey) };
    return Object.entries(this.config.targets).map(([name, config]) => {
      const calls = { made: 0 };
      const counted: Transport = (request, signal) => {
        calls.made += 1;
        return send(request, signal);
      };
      const random = { bytes: (count: number) => new Uint8Array(count).fill(1) };
      const provider = awsWaf.create(this.settings, { send: counted, clock: this.clock, random, log: (record) => this.logs.push(record), secrets });
      return { name, config, definition: awsWaf as never, provider, serialKey: awsWaf.serialKey(this.settings), calls };
    });
  }

  override readonly send: Transport = async (request) => {
    const url = new URL(request.url);
    const headers = Object.fromEntries(Object.entries({ ...request.headers, host: url.host }).map(([name, value]) => [name.toLowerCase(), value]));
    const reply = this.waf.respond({ method: request.method, target: url.pathname, headers, body: request.body ?? "" });
    if (reply === null) throw new PortcullisError("OUTCOME_UNKNOWN", "the connection was closed");
    return reply;
  };

  /** What both sets hold, as we spell it. */
  addresses(): readonly string[] {
    return [this.arns.ipv4, this.arns.ipv6]
      .flatMap((arn) => this.waf.set(arn).state.addresses)
      .map((text) => {
        const parsed = parseCidr(text);
        return parsed.ok ? cidrText(parsed.value) : text;
      })
      .sort();
  }

  /** What is said of an address, as `state: why`. */
  async said(ip: string): Promise<string> {
    const { coordinator } = await this.life();
    const snapshot = await coordinator.snapshot();
    const row = snapshot?.blocks.find((block) => block.key === cidrKey(cidrOf(ip)));
    const state = snapshot?.states[row?.states.edge ?? -1];
    return state === undefined ? "nothing" : `${state.state}: ${state.why ?? ""}`;
  }
}

export async function wafWorld(): Promise<WafWorld> {
  const world = new WafWorld();
  await world.setUp();
  // Past the settling of a new memory.
  world.now = startMs;
  await world.advance(5 * 60_000);
  return world;
}
