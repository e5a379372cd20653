// Holds calls of the simulated Cloudflare to the vendor's API descriptions, where those are at hand: they are no part of the repository.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import type { Logged } from "./cloudflare.ts";
import { type Description, exchangeFaults } from "./openapi.ts";

const folder = new URL("../../../shared/specs/cloudflare/", import.meta.url);
const names = ["lists", "rulesets", "ip-access-rules"] as const;
const descriptions: readonly Description[] = existsSync(fileURLToPath(folder))
  ? names.map((name) => JSON.parse(readFileSync(new URL(`${name}.openapi.json`, folder), "utf8")) as Description)
  : [];
if (descriptions.length === 0) console.warn("the API descriptions are not here: calls are judged by the SDK alone");

/** Known to differ: what was seen live, and the descriptions of 2024 do not allow. */
const known: readonly string[] = [
  // The call limit answers with code 971.
  "answer.errors[0].code: 971 is less than 1000",
  // Deleting an access rule that is gone answers 200 with nothing.
  "answer.result: null is not of type object",
];

/** Routes that the vendor's SDK knows and the extracts of the descriptions leave out. */
const undescribed: ReadonlySet<string> = new Set(["zones.get", "zones.list", "zoneAccess.get"]);

export function expectDescribed(log: readonly Logged[]): void {
  if (descriptions.length === 0) return;
  for (const { method, target, requestBody, status, body, route } of log) {
    if (status === 0 || undescribed.has(route ?? "")) continue;
    const path = (target.split("?")[0] ?? "").replace("/client/v4", "");
    const found = descriptions.map((one) => exchangeFaults(one, { method, path, requestBody, status, body })).find((faults) => faults !== null);
    if (found === undefined) expect(status, `${method} ${path} is not described`).toBe(404);
    else
      expect(
        found.filter((fault) => !known.includes(fault)),
        `${method} ${path} ${status}`,
      ).toEqual([]);
  }
}
