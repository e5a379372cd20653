// What each source's messages come to, as a table that can be read: `expected/<source>.txt`, checked line by line when it changes
// (`npx vitest run -u --project node test/source/events.test.ts` writes it anew).
import { describe, expect, test } from "vitest";
import { alertSources } from "../../shared/config.ts";
import { adapters, type SourceEntry } from "../../shared/source/index.ts";
import { samples, withSamples } from "./samples.ts";

/** `type | category | severity | direction | attackers | marks`, or why there is no event. */
function told(entry: SourceEntry): string {
  if (entry.kind === "ignored") return `ignored (${entry.because}): ${entry.reason}`;
  if (entry.kind === "invalid") return `invalid ${entry.field}: ${entry.reason}`;
  const { event } = entry;
  const marks = [event.sample ? "sample" : "", event.status === "resolved" ? "resolved" : "", event.forMs === null ? "" : `for ${event.forMs / 1_000} s`];
  const time = event.at === null ? "no time" : new Date(event.at).toISOString();
  const attackers = `by ${event.actor.addresses.join(" ") || "nobody"}`;
  const parts = [
    event.type,
    event.category,
    event.severity,
    event.direction ?? "-",
    time,
    attackers,
    `at ${event.victim.addresses.join(" ") || "-"}`,
    ...marks,
  ];
  return parts.filter((part) => part !== "").join(" | ");
}

describe.each(alertSources)("%s", (source) => {
  test("read: every sample", async () => {
    const own = samples.filter((sample) => sample.source === source);
    const lines = own.flatMap(({ name, payload }) => adapters[source].read(payload, withSamples).map((entry) => `${name}: ${told(entry)}\n`));
    await expect(lines.join("")).toMatchFileSnapshot(`expected/${source}.txt`);
  });
});
