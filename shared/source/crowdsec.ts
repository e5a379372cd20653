// CrowdSec's http notification with the template `{{.|toJson}}`: a list of alerts, each with its decisions or none.
// Fields: crowdsec pkg/models (Alert, Decision, Source), v1.7, 2026-11. It never tells of a decision that ended.
import { createAdapter } from "./adapter.ts";
import { at, flagAt, isObject, listAt, textAt } from "./json.ts";
import { eventOf, ignored, invalid, type Reading } from "./source.ts";

const unitMs: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1, us: 0.001, µs: 0.001, ns: 0.000_001 };

/** A duration as Go writes it, such as `3h59m49.26s`; null: it is none, or is over. */
export function goDurationMs(text: string): number | null {
  if (!/^(?:[0-9]{1,9}(?:\.[0-9]{1,9})?(?:h|ms|m|us|µs|ns|s)){1,7}$/.test(text)) return null;
  const parts = [...text.matchAll(/([0-9.]+)(h|ms|m|us|µs|ns|s)/g)];
  const total = parts.reduce((sum, [, count = "0", unit = ""]) => sum + Number(count) * (unitMs[unit] ?? 0), 0);
  return total > 0 ? total : null;
}

/** Scopes other than these (As, Country, a user's own) name no address. */
function addressOf(holder: unknown): unknown {
  return ["ip", "range"].includes(textAt(holder, "scope").toLowerCase()) ? at(holder, "value") : undefined;
}

function longest(decisions: readonly unknown[]): number | null {
  const durations = decisions.flatMap((decision) => goDurationMs(textAt(decision, "duration")) ?? []);
  return durations.length === 0 ? null : Math.max(...durations.slice(0, 1_000));
}

/** Of several decisions only bans say that their address should be shut out; a captcha does not. */
function readAlert(alert: object): Reading {
  const scenario = textAt(alert, "scenario");
  const source = at(alert, "source");
  if (scenario === "" || !isObject(source)) return invalid("scenario", "is no alert of CrowdSec: it has no scenario and source; use the template {{.|toJson}}");
  const all = listAt(alert, "decisions").filter(isObject);
  const decisions = all.filter((decision) => !flagAt(decision, "simulated"));
  if (flagAt(alert, "simulated") || (all.length > 0 && decisions.length === 0)) return ignored("simulated", `${scenario} is in simulation mode`);
  const bans = decisions.filter((decision) => textAt(decision, "type").toLowerCase() === "ban");
  const uuid = textAt(alert, "uuid");
  const address = addressOf(source);
  return eventOf({
    // Before 1.6 there is no uuid. Several alerts of one scenario may begin at once, so the number in its database goes with the rest.
    key: uuid === "" ? [at(alert, "machine_id"), at(alert, "id"), scenario, at(alert, "start_at"), at(source, "value")] : [uuid],
    type: scenario,
    title: textAt(alert, "message") || scenario,
    severity: null,
    at: textAt(alert, "stop_at") || textAt(alert, "created_at"),
    // `cscli notifications test` sends an alert of this scenario (crowdsec cmd/crowdsec-cli, 2026-11).
    sample: scenario === "test alert" || scenario === "test_alert",
    direction: "inbound",
    attackers: all.length === 0 ? [address] : bans.map(addressOf),
    resources: [{ kind: "host", id: textAt(alert, "machine_id") }],
    forMs: longest(bans),
    evidence: {
      eventsCount: at(alert, "events_count"),
      "source.asNumber": at(source, "as_number"),
      "source.asName": at(source, "as_name"),
      "source.country": at(source, "cn"),
      decision: at(decisions[0], "type"),
      origin: at(decisions[0], "origin"),
    },
  });
}

export const crowdsec = createAdapter({ name: "crowdsec", title: "CrowdSec", read: readAlert });
