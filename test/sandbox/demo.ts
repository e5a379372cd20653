// The deployment that `npm start` shows and that the README's lines are tested against: a firewall in each cloud asked for,
// with a person's own rules, and clients with keys made at each start. Refuses to know how it is shown.
import { randomBytes } from "node:crypto";
import { azureNames, cloudflareNames, type OtherCloud, type OtherUrls } from "./other-clouds.ts";
import type { WatchedFirewall } from "./page/console-view.ts";
import { watchAcl } from "./page/views/aws-nacl.ts";
import { watchNsg } from "./page/views/azure-nsg.ts";
import { watchList } from "./page/views/cloudflare-list.ts";
import { newKey, type Runtime, type Stack, startStack } from "./stack.ts";

export const demoAcl = "acl-0123456789abcdef0";
/** What the page and the narrator read with; it asks often, and is no news. */
export const watcherName = "watcher";
const rules = { first: 1, last: 40 } as const;
const list = "portcullis";
const nsgRule = "portcullis-deny";

export interface DemoKeys {
  /** Everything but alerts. */
  readonly admin: string;
  /** What ElastAlert would hold: alerts, single addresses. */
  readonly detector: string;
  /** Standard Webhooks secret of a script that may block and nothing else. */
  readonly signing: string;
  /** May read, and nothing else: for the page. */
  readonly watcher: string;
}

export interface Demo {
  readonly stack: Stack;
  /** Every simulated firewall, to be looked at. */
  readonly firewalls: readonly WatchedFirewall[];
  readonly keys: DemoKeys;
  /** The variables that the README's lines use. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface DemoOptions {
  /** Besides AWS; none unless said otherwise, which is faster. */
  readonly clouds?: readonly OtherCloud[];
  /** workerd, unless said otherwise. */
  readonly runtime?: Runtime;
  readonly port?: number;
  readonly onLog?: (line: string) => void;
  /** Where the storage outlives the worker; without it `restart` begins anew. */
  readonly persistTo?: string;
  /** YAML of further clients, indented by two. */
  readonly clients?: string;
  /** YAML of further sections, such as `playbooks:`. */
  readonly sections?: string;
  /** Hosts whose part somebody plays on loopback, to where. */
  readonly played?: Readonly<Record<string, string>>;
  /** `none`: KV and cron alone. */
  readonly coordinator?: "none";
  /** A queue that brings word of new events. */
  readonly queue?: "events";
}

function azureTarget(url: string): string {
  const { tenant, subscription, resourceGroup, nsg } = azureNames;
  return `  azure-hub:
    kind: azure-nsg
    tenant: ${tenant}
    subscription: ${subscription}
    resourceGroup: ${resourceGroup}
    nsg: ${nsg}
    priority: 100
    rule: ${nsgRule}
    mode: enforce
    endpoint: "${url}"
    loginEndpoint: "${url}"
    credentials: { clientId: AZURE_HUB_ID, clientSecret: AZURE_HUB_SECRET }
`;
}

function cloudflareTarget(url: string): string {
  const { account, zone } = cloudflareNames;
  return `  edge:
    kind: cloudflare-list
    account: ${account}
    list: ${list}
    zones: [${zone}]
    mode: enforce
    endpoint: "${url}"
    credentials: { token: CF_TOKEN }
`;
}

type Further = Pick<DemoOptions, "clients" | "sections">;

function yamlOf(
  digests: { readonly admin: string; readonly detector: string; readonly watcher: string },
  { clients = "", sections = "" }: Further,
): (awsUrl: string, others: OtherUrls) => string {
  // Without the preset `documentation`: its addresses play the attackers here.
  return (awsUrl, others) => `owner: sandbox
defaults: { for: 5m }
protect:
  ranges: [198.51.100.0/24]
  presets: [iana-special-purpose, cloud-services, public-resolvers, cloudflare, googlebot, bingbot]
clients:
  admin:
    keys: ["${digests.admin}"]
    scopes: [block, lift, exempt, read, feed, metrics, admin]
    longest: 7d
    widest: { ipv4: 24, ipv6: 48 }
  elastalert:
    keys: ["${digests.detector}"]
    scopes: ["alert:elastalert"]
    longest: 24h
  script:
    secrets: [SCRIPT_SECRET]
    scopes: [block]
    longest: 1h
  ${watcherName}:
    keys: ["${digests.watcher}"]
    scopes: [read]
${clients}targets:
  aws-web:
    kind: aws-nacl
    region: eu-west-1
    acl: ${demoAcl}
    rules: { first: ${rules.first}, last: ${rules.last}, limit: 20 }
    mode: enforce
    endpoint: "${awsUrl}"
    credentials: { accessKeyId: AWS_WEB_ID, secretAccessKey: AWS_WEB_SECRET }
${others.azure === "" ? "" : azureTarget(others.azure)}${others.cloudflare === "" ? "" : cloudflareTarget(others.cloudflare)}${sections}`;
}

function firewallsOf({ aws, others }: Stack): readonly WatchedFirewall[] {
  const { azure, cloudflare } = others;
  const { account, zone } = cloudflareNames;
  return [
    watchAcl(aws, { target: "aws-web", acl: demoAcl, rules }),
    ...(azure === null ? [] : [watchNsg(azure, { target: "azure-hub", nsg: azureNames.nsg, rules: [nsgRule, `${nsgRule}-ipv6`] })]),
    ...(cloudflare === null ? [] : [watchList(cloudflare, { target: "edge", account, list, zone, ruleRef: `portcullis_${list}`, commentMark: "portcullis" })]),
  ];
}

export async function startDemo({ clouds = [], runtime, port, onLog, persistTo, played, coordinator, queue, ...further }: DemoOptions = {}): Promise<Demo> {
  const admin = newKey();
  const detector = newKey();
  const watcher = newKey();
  const signing = `whsec_${randomBytes(32).toString("base64")}`;
  const stack = await startStack({
    clouds,
    acls: [
      {
        id: demoAcl,
        entries: [
          { number: 90, cidr: "192.0.2.66/32", action: "deny" },
          { number: 100, cidr: "0.0.0.0/0", action: "allow" },
          { egress: true, number: 100, cidr: "0.0.0.0/0", action: "allow" },
        ],
      },
    ],
    yaml: yamlOf({ admin: admin.digest, detector: detector.digest, watcher: watcher.digest }, further),
    adminKey: admin.key,
    secrets: { SCRIPT_SECRET: signing },
    ...(runtime === undefined ? {} : { runtime }),
    ...(port === undefined ? {} : { port }),
    ...(persistTo === undefined ? {} : { persistTo }),
    ...(played === undefined ? {} : { played }),
    ...(coordinator === undefined ? {} : { coordinator }),
    ...(queue === undefined ? {} : { queue }),
    ...(onLog === undefined ? {} : { onLog }),
  });
  // The first tick, so that every read has a pass to tell of.
  await stack.worker.tick();
  const environment = { URL: stack.url, KEY: admin.key, DETECTOR_KEY: detector.key, SECRET: signing, ...stack.environment };
  return { stack, firewalls: firewallsOf(stack), keys: { admin: admin.key, detector: detector.key, signing, watcher: watcher.key }, environment };
}
