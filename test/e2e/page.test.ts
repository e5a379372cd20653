// The sandbox's page in a real headless browser: a block comes as a row with the time left, and goes; what is not ours stays
// grey and as it was. Where no browser runs this says so, and in CI that is a failure.
import { request } from "node:http";
import type { Page as BrowserPage } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Demo, startDemo } from "../sandbox/demo.ts";
import { narrate, tellLogged } from "../sandbox/narrator.ts";
import { otherClouds } from "../sandbox/other-clouds.ts";
import { createJournal } from "../sandbox/page/journal.ts";
import { type Page, type PageOptions, startPage } from "../sandbox/page/server.ts";
import { type Browser, startBrowser } from "./browser.ts";

const mustRun = ![undefined, "", "false", "0"].includes(process.env.CI);
const browser: Browser | null = await startBrowser();
if (browser === null) console.warn("did not run: no Chromium runs on this machine (apt-get install chromium), so the page is not looked at");

let demo: Demo;
let options: PageOptions;
let page: Page;
let ticks: ReturnType<typeof setInterval>;
let silence: () => void;

beforeAll(async () => {
  const journal = createJournal();
  demo = await startDemo({ clouds: otherClouds, onLog: (line) => tellLogged(line, journal) });
  silence = narrate(demo, journal, () => undefined);
  options = {
    firewalls: demo.firewalls,
    journal,
    worker: { url: () => demo.stack.url, key: demo.keys.watcher },
    environmentLine: ". '<b>env</b>'",
  };
  page = await startPage(options);
  ticks = setInterval(() => demo.stack.worker.tick().catch(() => undefined), 1_000);
}, 60_000);

afterAll(async () => {
  clearInterval(ticks);
  silence?.();
  await browser?.close();
  await page?.close();
  await demo?.stack.close();
});

async function block(fields: Readonly<Record<string, string>>): Promise<number> {
  const headers = { authorization: `Bearer ${demo.keys.admin}` };
  return (await fetch(`${demo.stack.url}/v1/blocks`, { method: "POST", headers, body: new URLSearchParams(fields) })).status;
}

function answerTo(options: {
  readonly method?: string;
  readonly host?: string;
  readonly path?: string;
}): Promise<{ status: number; policy: string; body: string }> {
  const { method = "GET", host, path = "/" } = options;
  return new Promise((resolve, reject) => {
    const call = request(new URL(path, page.url), { method, ...(host === undefined ? {} : { headers: { host } }) }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => {
        body += text;
      });
      response.once("end", () => resolve({ status: response.statusCode ?? 0, policy: String(response.headers["content-security-policy"]), body }));
    });
    call.once("error", reject).end();
  });
}

test("a browser is there wherever the page has to be looked at", () => {
  expect(browser !== null || !mustRun).toBe(true);
});

describe("the page's server", () => {
  test("answers its own address only, and only to be looked at", async () => {
    expect((await answerTo({ host: "sandbox.example" })).status).toBe(421);
    expect((await answerTo({ method: "POST" })).status).toBe(405);
    expect((await answerTo({ path: "/../demo.ts" })).status).toBe(404);
  });

  test("sends no key, lets no other origin in, and escapes what it puts into the page", async () => {
    const answers = await Promise.all(["/", "/page.js", "/page.css", "/state"].map((path) => answerTo({ path })));

    for (const { status, policy, body } of answers) {
      expect([status, policy]).toEqual([200, expect.stringMatching(/^default-src 'none'; script-src 'self'; style-src 'self';/)]);
      for (const key of Object.values(demo.keys)) expect(body).not.toContain(key);
    }
    expect(answers[0]?.body).toContain("&#60;b&#62;env");
  });
});

describe.runIf(browser !== null)("the page", () => {
  const complaints: string[] = [];
  const hosts = new Set<string>();
  let view: BrowserPage;

  beforeAll(async () => {
    if (browser === null) return;
    view = await browser.context.newPage();
    view.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
    view.on("pageerror", (error) => complaints.push(error.message));
    browser.context.on("request", (asked) => hosts.add(new URL(asked.url()).host));
    await view.goto(page.url);
    await view.getByRole("status").filter({ hasText: "live" }).waitFor();
  });

  const foreign = (target = "aws-web") => view.locator(`article[data-id=${target}] tr.foreign`).allTextContents();
  const columns = (table: string) => view.getByRole("table", { name: table }).getByRole("columnheader").allInnerTexts();
  const colour = async (selector: string): Promise<string> => String(await view.evaluate(`getComputedStyle(document.querySelector("${selector}")).color`));

  test("lists a firewall as its console does, what is not ours greyed", async () => {
    const panel = view.getByRole("article", { name: "aws-web" });

    expect(await columns("Inbound rules")).toEqual(["Rule", "Type", "Protocol", "Port range", "Source", "Allow/Deny", "Lease"]);
    expect(await foreign()).toEqual([
      "90All trafficAllAll192.0.2.66/32Denya person's",
      "100All trafficAllAll0.0.0.0/0Allowa person's",
      "*All trafficAllAll0.0.0.0/0DenyAWS's default",
      "100All trafficAllAll0.0.0.0/0Allowa person's",
      "*All trafficAllAll0.0.0.0/0DenyAWS's default",
    ]);
    expect(await columns("Inbound security rules")).toEqual(["Priority", "Name", "Port", "Protocol", "Source", "Destination", "Action", "Lease"]);
    expect((await foreign("azure-hub")).slice(0, 2)).toEqual([
      "300allow-https443TcpInternetAnyAllowa person's",
      "310allow-ssh-office22Tcp2 addressesAnyAllowa person's",
    ]);
    expect(await columns("List portcullis: items")).toEqual(["Item", "Comment", "Added (UTC)", "Lease"]);
    // What a person wrote is text on the page, whatever it looks like.
    expect((await foreign("edge"))[1]).toBe('3Watch Tor & <unknown> countries(ip.src.country in {"XX" "T1"})logEnableda person\'s');
    await expect.poll(() => view.getByText("Enforcing", { exact: true }).count()).toBe(3);
    await panel.getByText("0 used, 17 left").waitFor();
    expect(await panel.locator("tr.ours").count()).toBe(0);
  });

  test("shows a block come everywhere with the time left, and go; leaves the rest as it was", async () => {
    const everywhere = () => Promise.all(["aws-web", "azure-hub", "edge"].map(foreign));
    const before = await everywhere();
    const ours = view.locator("article[data-id=aws-web] tr.ours").filter({ hasText: "203.0.113.7/32" });
    const azure = view.locator("article[data-id=azure-hub] tr.ours").filter({ hasText: "203.0.113.7" });
    const edge = view.locator("article[data-id=edge] tr.ours").filter({ hasText: "203.0.113.7" });
    const secondsLeft = async (): Promise<number> => Number(/^0:([0-9]{2}) left$/.exec(await ours.locator(".left").innerText())?.[1]);

    expect(await block({ ip: "203.0.113.7", for: "20s" })).toBe(202);

    await ours.locator(".left", { hasText: /^0:[012][0-9] left$/ }).waitFor();
    const first = await secondsLeft();
    expect(await ours.getByRole("rowheader").innerText()).toBe("1");
    expect(await colour("tr.ours td")).not.toBe(await colour("tr.foreign td"));
    await azure.locator(".left", { hasText: /^0:[012][0-9] left$/ }).waitFor();
    await edge.locator(".left", { hasText: /^0:[012][0-9] left$/ }).waitFor();
    expect(await everywhere()).toEqual(before);
    await expect.poll(secondsLeft).toBeLessThan(first);
    for (const row of [ours, azure, edge]) await row.waitFor({ state: "detached" });
    expect(await everywhere()).toEqual(before);
    const told = (await view.getByRole("log").getByRole("listitem").allInnerTexts()).join("\n");
    expect(told).toMatch(/rule 1 deny 203\.0\.113\.7\/32 in is gone[\s\S]*rule 1 deny 203\.0\.113\.7\/32 in appears/);
    expect(told).toContain("admin: POST /v1/blocks → 202");
  }, 60_000);

  test("names what was refused, and what finds no room", async () => {
    expect(await block({ ip: "198.51.100.7", for: "1m" })).toBe(422);
    await view.getByRole("log").getByText("admin: POST /v1/blocks → 422").waitFor();

    for (let last = 21; last <= 38; last += 1) await block({ ip: `203.0.113.${2 * last}`, for: "10s" });

    await view.getByText(/^No room for 203\.0\.113\.[0-9]+\/32\.$/).waitFor();
    await view.getByText("17 used, 0 left").waitFor();
  }, 60_000);

  test("asks nobody but the sandbox, and has nothing to complain of", () => {
    expect([...hosts]).toEqual([new URL(page.url).host]);
    expect(complaints).toEqual([]);
  });

  test("says when the sandbox is closed", async () => {
    const second = await startPage(options);
    const other = await view.context().newPage();
    await other.goto(second.url);
    await other.getByRole("status").filter({ hasText: "live" }).waitFor();

    await second.close();

    await other.getByRole("status").filter({ hasText: "the sandbox is closed" }).waitFor();
    await other.close();
  });

  test("asks again and again where events do not come through", async () => {
    const other = await view.context().newPage();
    await other.route("**/events", (route) => route.abort());
    await other.goto(page.url);

    await other.getByRole("status").filter({ hasText: "every two seconds" }).waitFor();
    expect(await other.locator("article[data-id=aws-web] tr.foreign").count()).toBe(5);
    await other.close();
  });
});
