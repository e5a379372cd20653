// cloudflare-list when the cloud's answers make no sense for long: it neither goes blind for good nor calls without end.
import { describe, expect, onTestFinished, test } from "vitest";
import { cloudflareList } from "../../providers/cloudflare-list/index.ts";
import { cidrOf } from "../../shared/address/index.ts";
import type { Transport } from "../../shared/ports.ts";
import { adds, look, plan } from "../conformance/provider/harness.ts";
import { accountId } from "../simulators/cloudflare-fixtures.ts";
import { cloudflareHarness } from "./cloudflare-list-harness.ts";

const minute = 60_000;

describe("patience", () => {
  test("observe: an operation whose state nobody can make out blinds the target for a while, and not for good", async () => {
    const harness = await cloudflareHarness();
    onTestFinished(() => harness.close());
    const strange: Transport = async (request, signal) => {
      const reply = await harness.ports.send(request, signal);
      return request.url.includes("/bulk_operations/") ? { ...reply, body: reply.body.replace(/"status":\s*"\w+"/, '"status":"paused"') } : reply;
    };
    const provider = cloudflareList.create(harness.settings, { ...harness.ports, send: strange });
    const [step] = plan(provider, await look(provider), adds([cidrOf("203.0.113.7/32")]));
    if (step === undefined) throw new Error("nothing was compiled");
    expect((await provider.apply(step)).kind).toBe("pending");
    const seen: boolean[] = [];
    for (let at = 0; at < 20; at += 1) {
      harness.ports.advance(minute);
      seen.push((await provider.observe()).ok);
    }
    expect(seen.slice(0, 10)).not.toContain(true);
    expect(seen.slice(16)).toEqual([true, true, true, true]);
    expect(harness.logs.map(({ event }) => event)).toContain("cloudflare.operation.forgotten");
  });

  test("observe: a listing of one item a page is given up after a bounded number of calls", async () => {
    const harness = await cloudflareHarness({ settings: { items: 10_000 } });
    onTestFinished(() => harness.close());
    const items = Array.from({ length: 300 }, (_, at) => ({ ip: `198.18.${at >> 8}.${at & 255}`, comment: "portcullis:store-acme-prod" }));
    harness.cloudflare.account(accountId).edit(harness.list(), items);
    harness.ports.advance(minute);
    let pages = 0;
    const slow: Transport = (request, signal) => {
      if (request.url.includes("/items?")) pages += 1;
      return harness.ports.send({ ...request, url: request.url.replace(/per_page=\d+/, "per_page=1") }, signal);
    };
    const provider = cloudflareList.create(harness.settings, { ...harness.ports, send: slow });
    const observed = await provider.observe();
    expect([observed.ok, pages < 100]).toEqual([false, true]);
  });
});
