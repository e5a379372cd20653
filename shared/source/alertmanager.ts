// Prometheus Alertmanager's webhook, version 4: alerts whose labels or annotations name an address. `resolved` takes the event back.
// Fields: prometheus.io docs, alerting/latest/configuration (webhook_config), 2026-11.
import { createAdapter } from "./adapter.ts";
import { severityOf } from "./category.ts";
import { at, isObject, numberAt, own, textAt, textOf } from "./json.ts";
import { eventOf, ignored, invalid, type Reading } from "./source.ts";

/** Labels are the operator's own words; these are what rules on attackers use. */
const attackerLabels = ["src_ip", "source_ip", "attacker_ip", "client_ip", "remote_ip", "remote_addr", "ip"] as const;
const victimLabels = ["dst_ip", "dest_ip", "destination_ip", "target_ip", "host_ip", "pod_ip"] as const;

function named(alert: object, names: readonly string[]): readonly unknown[] {
  return [at(alert, "labels"), at(alert, "annotations")].flatMap((holder) => names.map((name) => own(holder, name)));
}

/** `instance` is whom Prometheus asked, as host:port: one of ours. */
function instanceAddress(alert: object): string {
  const instance = textOf(own(at(alert, "labels"), "instance"));
  return (
    /^(?:\[([0-9a-fA-F:.]+)\]|(\d+\.\d+\.\d+\.\d+)):\d+$/.exec(instance)?.slice(1).find(Boolean) ?? (/^\d+\.\d+\.\d+\.\d+$/.test(instance) ? instance : "")
  );
}

function spread(message: unknown): readonly unknown[] {
  const alerts = at(message, "alerts");
  if (!Array.isArray(alerts)) return [message];
  const left = numberAt(message, "truncatedAlerts") ?? 0;
  return left > 0 ? [...alerts, { truncatedAlerts: left }] : alerts;
}

function readAlert(alert: object): Reading {
  const left = own(alert, "truncatedAlerts");
  if (typeof left === "number") return ignored("truncated", `Alertmanager left ${left} alerts out of this message (max_alerts)`);
  const labels = at(alert, "labels");
  const name = textAt(labels, "alertname");
  if (!isObject(labels) || name === "") return invalid("labels", "is no alert of Alertmanager: it has no label alertname");
  // The alert that always fires, to prove that the way works (kube-prometheus and others).
  if (name === "Watchdog" || name === "DeadMansSwitch") return ignored("sample", `${name} always fires, to prove that the way works`);
  const attackers = named(alert, attackerLabels);
  return eventOf({
    key: [at(alert, "fingerprint"), at(alert, "startsAt")],
    type: name,
    title: textAt(alert, "annotations", "summary") || textAt(alert, "annotations", "description") || name,
    severity: severityOf(textAt(labels, "severity")),
    at: at(alert, "startsAt"),
    status: textAt(alert, "status") === "resolved" ? "resolved" : "firing",
    attackers,
    victims: [...named(alert, victimLabels), instanceAddress(alert)],
    resources: [
      { kind: "pod", id: textAt(labels, "pod"), namespace: textAt(labels, "namespace") },
      { kind: "host", id: textAt(labels, "instance") },
    ],
    evidence: { job: at(labels, "job"), service: at(labels, "service"), generator: at(alert, "generatorURL") },
  });
}

export const alertmanager = createAdapter({ name: "alertmanager", title: "Alertmanager", spread, read: readAlert });
