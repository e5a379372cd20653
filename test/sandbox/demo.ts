// The deployment that `npm start` shows and that the README's lines are tested against: one network ACL with a person's own
// rules, three clients with keys made at each start. Refuses to know how it is shown.
import { randomBytes } from "node:crypto";
import { newKey, type Stack, startStack } from "./stack.ts";

export const demoAcl = "acl-0123456789abcdef0";

export interface DemoKeys {
  /** Everything but alerts. */
  readonly admin: string;
  /** What ElastAlert would hold: alerts, single addresses. */
  readonly detector: string;
  /** Standard Webhooks secret of a script that may block and nothing else. */
  readonly signing: string;
}

export interface Demo {
  readonly stack: Stack;
  readonly keys: DemoKeys;
  /** The variables that the README's lines use. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface DemoOptions {
  readonly port?: number;
  readonly onLog?: (line: string) => void;
}

function yamlOf(digests: { readonly admin: string; readonly detector: string }): (awsUrl: string) => string {
  // Without the preset `documentation`: its addresses play the attackers here.
  return (awsUrl) => `owner: sandbox
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
targets:
  aws-web:
    kind: aws-nacl
    region: eu-west-1
    acl: ${demoAcl}
    rules: { first: 1, last: 40, limit: 20 }
    mode: enforce
    endpoint: "${awsUrl}"
    credentials: { accessKeyId: AWS_WEB_ID, secretAccessKey: AWS_WEB_SECRET }
`;
}

export async function startDemo({ port, onLog }: DemoOptions = {}): Promise<Demo> {
  const admin = newKey();
  const detector = newKey();
  const signing = `whsec_${randomBytes(32).toString("base64")}`;
  const stack = await startStack({
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
    yaml: yamlOf({ admin: admin.digest, detector: detector.digest }),
    adminKey: admin.key,
    secrets: { SCRIPT_SECRET: signing },
    ...(port === undefined ? {} : { port }),
    ...(onLog === undefined ? {} : { onLog }),
  });
  // The first tick, so that every read has a pass to tell of.
  await stack.worker.tick();
  const environment = { URL: stack.url, KEY: admin.key, DETECTOR_KEY: detector.key, SECRET: signing, ...stack.environment };
  return { stack, keys: { admin: admin.key, detector: detector.key, signing }, environment };
}
