// The commands that go to the clouds themselves, at a cloud that takes one write a second: both sets are claimed by one command.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { digest } from "../config/support.ts";
import { arnsOf, keys, startWafFixture } from "../simulators/aws-waf-fixtures.ts";
import { startFakeFunction } from "./fake-function.ts";
import { portcullis, temporaryFolder } from "./run.ts";

const storeId = "store0123456789";
const arns = arnsOf("REGIONAL");

it("init, setup, check, drain: a pair of IP sets from found to claimed to empty, with the waits that AWS asks for", async () => {
  const waf = await startWafFixture();
  onTestFinished(() => waf.close());
  const folder = temporaryFolder();
  const fake = await startFakeFunction({ "POST /v1/store": { status: 201, body: { storeId, minted: true } }, "POST /v1/reconcile": { status: 200, body: {} } });
  const { accessKeyId, secretAccessKey } = keys.everything;
  const env = {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    PORTCULLIS_ALLOWED_HOSTS: new URL(waf.url).host,
    PORTCULLIS_URL: fake.url,
    PORTCULLIS_KEY: "portcullis_test",
  };
  const cli = (...args: readonly string[]) => portcullis(args, { cwd: folder, env });

  expect(await cli("init", "--kind", "aws-waf", "--region", "eu-west-1", "--endpoint", waf.url)).toMatchObject({ code: 0, err: "" });
  const found = parse(readFileSync(join(folder, "portcullis.yaml"), "utf8")) as { targets: Record<string, Record<string, unknown>> };
  const [target] = Object.values(found.targets);
  expect(target).toMatchObject({ kind: "aws-waf", ipv4: arns.ipv4, ipv6: arns.ipv6, webAcl: arns.webAcl, mode: "observe" });

  const clients = { admin: { keys: [digest("a")], scopes: ["admin", "read"], from: ["192.0.2.1"] } };
  writeFileSync(join(folder, "portcullis.yaml"), JSON.stringify({ owner: "acme", clients, targets: { edge: { ...target, mode: "enforce" } } }));
  const claimed = await cli("setup");
  expect(claimed).toMatchObject({ code: 0, err: "" });
  expect(claimed.out).toContain("the cloud asks to wait");
  for (const arn of [arns.ipv4, arns.ipv6]) expect(waf.set(arn).state.description).toContain(`portcullis:store=${storeId}`);
  expect((await cli("check", "--online")).out).toContain(
    "edge: enforcing; 0 ours, 0 foreign; room: IP set blocked-v4 0 of 10000, IP set blocked-v6 0 of 10000",
  );

  waf.set(arns.ipv4).edit({ addresses: ["203.0.113.7/32"] });
  waf.set(arns.ipv6).edit({ addresses: ["2001:db8:7::/64"] });
  expect(await cli("drain", "edge", "--direct")).toMatchObject({ code: 0, err: "" });
  expect([arns.ipv4, arns.ipv6].flatMap((arn) => waf.set(arn).state.addresses)).toEqual([]);
  expect(waf.set(arns.ipv4).state.description).toContain(`portcullis:store=${storeId}`);
});
