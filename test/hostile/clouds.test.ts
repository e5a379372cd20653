// A hostile line in the configuration, a hostile answer of a cloud: neither sends a credential elsewhere, and neither makes us
// do, print or believe what it says. Through the transport and the providers that production uses.
import fc from "fast-check";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { createTransport, hostRefusal } from "../../functions/runtime/transport.ts";
import { awsNacl } from "../../providers/aws-nacl/index.ts";
import { awsWaf } from "../../providers/aws-waf/index.ts";
import { azureNsg } from "../../providers/azure-nsg/index.ts";
import { cloudflareList } from "../../providers/cloudflare-list/index.ts";
import { readXml, textOf } from "../../providers/internal/aws/xml.ts";
import { limits } from "../../shared/limits.ts";
import { type HttpRequest, Secret } from "../../shared/ports.ts";
import type { Provider, ProviderDefinition } from "../../shared/provider.ts";
import { testPorts } from "../providers/ports.ts";
import { aclId } from "../simulators/aws-fixtures.ts";
import { arnsOf } from "../simulators/aws-waf-fixtures.ts";

const guid = "11111111-2222-3333-4444-555555555555";
const canary = { key: "AKIACANARYCANARYCAN1", secret: "canary-cloud-secret-5f2b", token: "canary-cloud-token-9c1d" } as const;

const waf = arnsOf("REGIONAL");

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
    definition: awsWaf as never,
    settings: { ipv4: waf.ipv4, ipv6: waf.ipv6, webAcl: waf.webAcl, assumeRole: { roleArn: "arn:aws:iam::111122223333:role/blocker", webIdentity: true } },
    places: ["endpoint", "stsEndpoint"],
    secrets: {},
  },
  {
    definition: awsWaf as never,
    settings: { ipv4: waf.ipv4, ipv6: waf.ipv6, webAcl: waf.webAcl },
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
  "https://wafv2.us-east-1.amazonaws.com/",
  "https://wafv2.eu-west-1.amazonaws.com.evil.example/",
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
        const elsewhere = (arn: string) => arn.replace("eu-west-1", region);
        const moved = v.safeParse(awsWaf.settings, { ipv4: elsewhere(waf.ipv4), webAcl: elsewhere(waf.webAcl) });
        if (moved.success) for (const suffix of awsWaf.hostSuffixes(moved.output)) expect(suffix).toMatch(/\.amazonaws\.com(\.cn)?$/);
        const parsed = v.safeParse(awsNacl.settings, { region, acl: aclId, rules: { first: 1, last: 40 } });
        if (!parsed.success) return;
        const url = `https://sts.${region}.amazonaws.com/`;
        const host = new URL(url).host;
        expect(host === `sts.${region}.amazonaws.com` || hostRefusal(url, { hostSuffixes: awsNacl.hostSuffixes(parsed.output) }) !== null).toBe(true);
      }),
    );
  });
});

/** What a cloud, or whoever sits on the way to it, might answer. */
const deep = (open: string, close: string, count: number) => open.repeat(count) + close.repeat(count);
const bodies: readonly (readonly [string, string])[] = [
  ["nothing", ""],
  ["a page", "<!doctype html><html><script>alert(1)</script></html>"],
  [
    "billion laughs",
    `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">]><DescribeNetworkAclsResponse><x>&lol2;</x></DescribeNetworkAclsResponse>`,
  ],
  ["an external entity", `<!DOCTYPE r [<!ENTITY x SYSTEM "http://169.254.169.254/">]><DescribeNetworkAclsResponse>&x;</DescribeNetworkAclsResponse>`],
  ["deep XML", deep("<a>", "</a>", 50_000)],
  ["unclosed XML", "<DescribeNetworkAclsResponse>".repeat(5_000)],
  [
    "prototype XML",
    "<DescribeNetworkAclsResponse><__proto__><networkAclSet><item/></networkAclSet></__proto__><constructor>x</constructor></DescribeNetworkAclsResponse>",
  ],
  ["an empty listing", "<DescribeNetworkAclsResponse><networkAclSet/></DescribeNetworkAclsResponse>"],
  ["deep JSON", deep("[", "]", 200_000)],
  ["prototype JSON", '{"__proto__":{"success":true},"constructor":{"prototype":{"success":true}}}'],
  ["a false success", '{"success":true,"result":null}'],
  [
    "wrong shapes",
    '{"success":true,"result":{"length":1,"0":{}},"properties":{"securityRules":{"length":9}},"value":7,"access_token":"x","token_type":"bearer","expires_in":1e999}',
  ],
  ["an IP set without addresses", `{"IPSet":{"ARN":"${waf.ipv4}","IPAddressVersion":"IPV4"},"LockToken":"x"}`],
  ["another IP set", `{"IPSet":{"ARN":"${waf.ipv6}0","IPAddressVersion":"IPV4","Addresses":[]},"LockToken":"x"}`],
  ["a list without end", '{"success":true,"result":[],"result_info":{"cursors":{"after":"again"}}}'],
  ["numbers", "1e999"],
];

describe("a hostile answer", () => {
  test("observe: none is taken for a firewall without entries, none throws, none is followed", async () => {
    for (const kind of kinds) {
      for (const [what, body] of bodies) {
        for (const status of [200, 201, 202, 400, 401, 403, 404, 429, 500]) {
          const sent: HttpRequest[] = [];
          const provider = providerTo(
            kind,
            kind.settings,
            sent,
            () =>
              new Response(body, {
                status,
                headers: { location: "https://evil.example/", "azure-asyncoperation": "https://evil.example/", "retry-after": "999999999", date: "never" },
              }),
          );
          const seen = await provider.observe();
          const label = [kind.definition.kind, what, status];
          expect([...label, seen.ok && seen.value.terminal === null && what !== "a list without end"]).toEqual([...label, false]);
          expect(sent.filter(({ url }) => new URL(url).host === "evil.example")).toEqual([]);
          // A list that never ends is given up.
          expect(sent.length).toBeLessThan(limits.passCallsMax);
          if (!seen.ok) expect(JSON.stringify([seen.error.message, seen.error.context])).not.toMatch(/canary/i);
          if (!seen.ok) expect(seen.error.context.retryAfterSeconds ?? 0).toBeLessThanOrEqual(15 * 60);
        }
      }
    }
  });

  test("refuse: a redirect is never followed and never taken for an answer, whatever its status and wherever it leads", async () => {
    for (const kind of kinds) {
      for (const status of [300, 301, 302, 303, 307, 308, 399]) {
        for (const location of ["https://evil.example/", "http://169.254.169.254/", "/elsewhere", "//evil.example", ""]) {
          const sent: HttpRequest[] = [];
          const provider = providerTo(kind, kind.settings, sent, () => new Response(null, { status, headers: { location } }));
          const seen = await provider.observe();
          expect([seen.ok, sent.length]).toEqual([false, 1]);
        }
      }
    }
  });

  test("refuse: the platform is told to follow no redirect, and one is an error that says so", async () => {
    for (const method of ["GET", "POST"]) {
      for (const status of [301, 302, 307, 308]) {
        const asked: unknown[] = [];
        const send = createTransport({
          fetch: async (_url, init) => {
            asked.push(init.redirect);
            return new Response(null, { status, headers: { location: "https://evil.example/" } });
          },
          hostSuffixes: ["api.cloudflare.com"],
        });
        await expect(send({ method, url: "https://api.cloudflare.com/", headers: {} })).rejects.toThrow(/redirect/);
        expect(asked).toEqual(["manual"]);
      }
    }
  });

  test("bound: an answer larger than the limit is given up while it comes", async () => {
    for (const kind of kinds) {
      let pulled = 0;
      const flood = () =>
        new Response(
          new ReadableStream({
            pull(controller) {
              pulled += 1_000_000;
              controller.enqueue(new Uint8Array(1_000_000).fill(91));
            },
          }),
        );
      const seen = await providerTo(kind, kind.settings, [], flood).observe();
      expect(seen.ok).toBe(false);
      expect(pulled).toBeLessThanOrEqual(limits.responseBytesMax + 4_000_000);
    }
  });

  test("read: XML entities stay text, and document types are refused", () => {
    expect(readXml('<!DOCTYPE r [<!ENTITY a "b">]><r>&a;</r>')).toBeNull();
    const read = readXml("<r><a>&#x41;&custom;</a></r>");
    expect(textOf(read?.root ?? null, "a")).toBe("&#x41;&custom;");
    fc.assert(fc.property(fc.string(), (text) => void readXml(text)));
    expect(Object.hasOwn(Object.prototype, "networkAclSet")).toBe(false);
  });

  test("send: a credential goes into its header or its signed body, never into a URL", async () => {
    for (const kind of kinds) {
      const sent: HttpRequest[] = [];
      await providerTo(kind, kind.settings, sent, () => new Response("{}", { status: 200 })).observe();
      expect(sent.length).toBeGreaterThan(0);
      for (const { url } of sent) expect(url).not.toMatch(/canary/i);
    }
  });
});
