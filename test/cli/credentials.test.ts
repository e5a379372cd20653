// `key` and `sign`: what they print is what the function accepts.

import { createHash } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { changed, digest, problemsOf } from "../config/support.ts";
import { portcullis } from "./run.ts";

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

describe("key", () => {
  it("key: prints a 256-bit key, its digest as the configuration takes it, and a curl line without the key", async () => {
    const { code, out } = await portcullis(["key", "detector"]);
    expect(code).toBe(0);
    const key = /^ {2}(portcullis_[A-Za-z0-9_-]{43})$/m.exec(out)?.[1] ?? "";
    const line = /keys: \["(sha256:[0-9a-f]{64})"\]/.exec(out)?.[1] ?? "";
    expect(line).toBe(`sha256:${createHash("sha256").update(key).digest("hex")}`);
    expect(out).toContain('curl -H "Authorization: Bearer $KEY"');
    expect(out.split(key)).toHaveLength(2);
    expect(problemsOf(changed(digest("b"), line))).toEqual([]);
  });

  it("key: never prints the same key twice", async () => {
    const keys = await Promise.all([1, 2, 3].map(async () => /portcullis_\S+/.exec((await portcullis(["key", "a"])).out)?.[0]));
    expect(new Set(keys).size).toBe(3);
  });

  it("key: --signed prints a secret that the reference library takes, and a name that the configuration takes", async () => {
    const { out } = await portcullis(["key", "my-script", "--signed"]);
    const printed = /whsec_[A-Za-z0-9+/=]+/.exec(out)?.[0] ?? "";
    expect(() => new Webhook(printed)).not.toThrow();
    expect(Buffer.from(printed.slice(6), "base64")).toHaveLength(32);
    expect(out).toContain("wrangler secret put MY_SCRIPT_SIGNING");
    expect(problemsOf(changed(`keys: ["${digest("b")}"]`, "secrets: [MY_SCRIPT_SIGNING]"))).toEqual([]);
  });

  it("key: --path prints a URL whose last part is the secret, its digest as the configuration takes it, and says it once", async () => {
    const { code, out } = await portcullis(["key", "falco", "--path"]);
    const secret = /^ {2}\$PORTCULLIS_URL\/v1\/in\/(portcullis_[A-Za-z0-9_-]{43})$/m.exec(out)?.[1] ?? "";
    const line = /pathKeys: \["(sha256:[0-9a-f]{64})"\]/.exec(out)?.[1] ?? "";
    expect([code, line, out.split(secret).length]).toEqual([0, `sha256:${createHash("sha256").update(secret).digest("hex")}`, 2]);
    const client = `    pathKeys: ["${line}"]\n    scopes: [alert:generic]`;
    expect(problemsOf(changed(`    keys: ["${digest("b")}"]\n    scopes: [block]`, client))).toEqual([]);
    expect((await portcullis(["key", "falco", "--path", "--signed"])).code).toBe(2);
  });

  it("key: refuses a name that no client can have, and none at all", async () => {
    expect((await portcullis(["key", "Not-A-Name"])).code).toBe(1);
    expect((await portcullis(["key"])).code).toBe(2);
    expect((await portcullis(["key", "a", "b"])).code).toBe(2);
  });
});

/** The headers and the body as `sign` prints them. */
function printed(out: string): { readonly headers: Record<string, string>; readonly body: string } {
  const cut = out.indexOf("\n\n");
  const headers = Object.fromEntries(
    out
      .slice(0, cut)
      .split("\n")
      .map((line) => [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]),
  );
  return { headers, body: out.slice(cut + 2).replace(/\n$/, "") };
}

describe("sign", () => {
  const env = { MY_SECRET: secret };

  it.each([
    ["plain", '{"type":"block","ip":"203.0.113.7"}'],
    ["spaced and accented", '{ "type": "block", "ip": "203.0.113.7", "reason": "Überfall – 攻撃" }'],
    ["typed by the option", '{"ip":"203.0.113.7"}'],
  ])("sign: agrees with the reference library on a body: %s", async (_title, data) => {
    const { code, out } = await portcullis(["sign", "--secret-env", "MY_SECRET", "--type", "block", "--data", data], { env });
    expect(code).toBe(0);
    const { headers, body } = printed(out);
    expect(new Webhook(secret).verify(body, headers)).toMatchObject({ type: "block", ip: "203.0.113.7" });
    expect(out).not.toContain(secret);
  });

  it("sign: signs what comes on standard input, byte for byte", async () => {
    const data = '{"type":"stop",\n "action":"freeze"}\n';
    const { out } = await portcullis(["sign", "--secret-env", "MY_SECRET"], { env, input: data });
    const { headers, body } = printed(out);
    expect(body).toBe(data);
    expect(new Webhook(secret).verify(data, headers)).toMatchObject({ action: "freeze" });
  });

  it("sign: gives the same signature for the same id and time", async () => {
    const args = ["sign", "--secret-env", "MY_SECRET", "--data", '{"type":"lift","ip":"203.0.113.7"}', "--id", "msg_1", "--at", "1700000000"];
    const { out } = await portcullis(args, { env });
    const signature = new Webhook(secret).sign("msg_1", new Date(1_700_000_000_000), '{"type":"lift","ip":"203.0.113.7"}');
    expect(printed(out).headers).toMatchObject({ "webhook-id": "msg_1", "webhook-timestamp": "1700000000", "webhook-signature": signature });
  });

  it("sign: prints a curl line for the route of the type, safe for a shell", async () => {
    const data = '{"type":"block","ip":"203.0.113.7","reason":"it\'s `bad` $(now)"}';
    const { out } = await portcullis(["sign", "--secret-env", "MY_SECRET", "--data", data, "--curl", "--url", "https://gate.example/"], { env });
    expect(out).toMatch(/^curl -H 'content-type: application\/json' /);
    expect(out).toContain("'https://gate.example/v1/blocks'");
    expect(out).toContain(`--data-binary '${data.replaceAll("'", "'\\''")}'`);
  });

  it.each([
    ["no secret named", ["sign", "--data", "{}"], 2],
    ["secret not set", ["sign", "--secret-env", "NOPE", "--type", "block", "--data", "{}"], 1],
    ["no secret in the variable", ["sign", "--secret-env", "PATH", "--type", "block", "--data", "{}"], 1],
    ["no JSON", ["sign", "--secret-env", "MY_SECRET", "--type", "block", "--data", "ip=1"], 1],
    ["no object", ["sign", "--secret-env", "MY_SECRET", "--type", "block", "--data", "[]"], 1],
    ["no type", ["sign", "--secret-env", "MY_SECRET", "--data", "{}"], 2],
    ["two types", ["sign", "--secret-env", "MY_SECRET", "--type", "lift", "--data", '{"type":"block"}'], 1],
    ["bad id", ["sign", "--secret-env", "MY_SECRET", "--type", "block", "--data", "{}", "--id", "a.b"], 2],
    ["bad time", ["sign", "--secret-env", "MY_SECRET", "--type", "block", "--data", "{}", "--at", "now"], 2],
  ] as const)("sign: refuses: %s", async (_title, args, code) => {
    const ran = await portcullis(args, { env });
    expect(ran.code).toBe(code);
    expect(ran.out).toBe("");
    expect(ran.err).not.toContain(secret);
  });
});
