// A hostile line in the configuration, a hostile answer of a cloud: neither sends a credential elsewhere, and neither makes us
// do, print or believe what it says. Through the transport and the providers that production uses.
import fc from "fast-check";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { createTransport, hostRefusal } from "../../functions/runtime/transport.ts";
import { awsNacl } from "../../providers/aws-nacl/index.ts";
import { readXml, textOf } from "../../providers/aws-nacl/xml.ts";
import { azureNsg } from "../../providers/azure-nsg/index.ts";
import { cloudflareList } from "../../providers/cloudflare-list/index.ts";
import type { PortcullisError } from "../../shared/errors.ts";
import { type HttpRequest, Secret } from "../../shared/ports.ts";
import type { Provider, ProviderDefinition } from "../../shared/provider.ts";
import { testPorts } from "../providers/ports.ts";
import { aclId } from "../simulators/aws-fixtures.ts";

const guid = "11111111-2222-3333-4444-555555555555";
const canary = { key: "AKIACANARYCANARYCAN1", secret: "canary-cloud-secret-5f2b", token: "canary-cloud-token-9c1d" } as const;

interface Kind {
  readonly definition: ProviderDefinition<never>;
  readonly settings: object;
  /** Settings that say where to call. */
  readonly places: readonly string[];
  readonly secrets: Readonly<Record<string, Secret>>;
}

const kinds: readonly Kind[] = [
  {
    definition: awsNacl as never,
    settings: {
      region: "eu-west-1",
      acl: aclId,
      rules: { first: 1, last: 40 },
      assumeRole: { roleArn: "arn:aws:iam::111122223333:role/blocker", webIdentity: true },
    },
    places: ["endpoint", "stsEndpoint"],
    secrets: {},
  },
  {
    definition: awsNacl as never,
    settings: { region: "eu-west-1", acl: aclId, rules: { first: 1, last: 40 } },
    places: ["endpoint"],
    secrets: { accessKeyId: new Secret(canary.key), secretAccessKey: new Secret(canary.secret), sessionToken: new Secret(canary.token) },
  },
  {
    definition: azureNsg as never,
    settings: { subscription: guid, tenant: guid, resourceGroup: "rg", nsg: "hub", priority: 100 },
    places: ["endpoint", "loginEndpoint"],
    secrets: { clientId: new Secret(canary.key), clientSecret: new Secret(canary.secret) },
  },
  {
    definition: cloudflareList as never,
    settings: { account: "0".repeat(32), list: "portcullis", zones: [] },
    places: ["endpoint"],
    secrets: { token: new Secret(canary.token) },
  },
];

/** Hosts that a stranger can rent, some of them below a vendor's own domain. */
const strangers = [
  "https://evil.example/",
  "https://a1b2c3.execute-api.eu-west-1.amazonaws.com/",
  "https://mine-123.eu-west-1.elb.amazonaws.com/",
  "https://ec2-203-0-113-7.eu-west-1.compute.amazonaws.com/",
  "https://my-bucket.s3.eu-west-1.amazonaws.com/",
  "https://ec2.s3.eu-west-1.amazonaws.com/",
  "https://sts.evil.execute-api.eu-west-1.amazonaws.com/",
  "https://vpce-svc-0abc.eu-west-1.vpce.amazonaws.com/",
  "https://ec2.eu-west-1.amazonaws.com.evil.example/",
  "https://ec2.us-east-1.amazonaws.com/",
  "https://evil.azurewebsites.net/",
  "https://evil.westeurope.cloudapp.azure.com/",
  "https://evil.management.azure.com/",
  "https://evil.workers.dev/",
  "https://evil.pages.dev/",
  "https://api.cloudflare.com.evil.example/",
  "http://169.254.169.254/",
  "http://127.0.0.1:80/",
  "https://[::ffff:169.254.169.254]/",
  "https://2852039166/",
  "http://api.cloudflare.com/",
  "https://management.azure.com:8443/",
];

function providerTo(kind: Kind, settings: object, sent: HttpRequest[], answer: () => Response): Provider {
  const parsed = v.parse(kind.definition.settings, settings);
  const send = createTransport({
    fetch: async (url, init) => {
      sent.push({ method: init.method ?? "GET", url, headers: init.headers as Record<string, string>, body: String(init.body ?? "") });
      return answer();
    },
    hostSuffixes: kind.definition.hostSuffixes(parsed as never),
  });
  return kind.definition.create(parsed as never, {
    ...testPorts(kind.secrets, send),
    identity: async () => new Secret(canary.token),
  });
}

describe("a config line", () => {
  test("refuse: no endpoint that a stranger could own is called, by any kind, with any credential", async () => {
    for (const kind of kinds) {
      for (const place of kind.places) {
        for (const stranger of strangers) {
          const settings = {
            ...kind.settings,
            [place]: place === "loginEndpoint" || kind.definition.kind === "azure-nsg" ? new URL(stranger).origin : stranger,
          };
          if (!v.safeParse(kind.definition.settings, settings).success) continue;
          const sent: HttpRequest[] = [];
          // Whoever is asked first answers nothing: what counts is where anything went.
          const provider = providerTo(kind, settings, sent, () => new Response("", { status: 500 }));
          await provider.observe().catch(() => undefined);
          const gone = sent.filter(({ url }) => new URL(url).host === new URL(stranger).host);
          expect([place, stranger, gone.length]).toEqual([place, stranger, 0]);
        }
      }
      // And the vendor's own hosts are called, or the lines above would prove nothing.
      const sent: HttpRequest[] = [];
      await providerTo(kind, kind.settings, sent, () => new Response("", { status: 500 })).observe();
      expect(sent.length).toBeGreaterThan(0);
    }
  });

  test("refuse: whatever a region is called, the host is AWS's own or nobody's", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.constantFrom("eu-west-1/x", "eu-west-1.evil.example", "evil.example/#-1", "eu-west-1@evil-1", "..-1")), (region) => {
        const parsed = v.safeParse(awsNacl.settings, { region, acl: aclId, rules: { first: 1, last: 40 } });
        if (!parsed.success) return;
        const url = `https://sts.${region}.amazonaws.com/`;
        const host = new URL(url).host;
        expect(host === `sts.${region}.amazonaws.com` || hostRefusal(url, { hostSuffixes: awsNacl.hostSuffixes(parsed.output) }) !== null).toBe(true);
      }),
    );
  });
});
