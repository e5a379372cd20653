// Amazon GuardDuty findings: bare, by EventBridge or SNS, camelCase (EventBridge) or PascalCase (API).
// Field names: AWS API reference, guardduty/latest/APIReference (Finding, Service, Action), 2026-11.
import type { EventResource } from "../event/event.ts";
import { createAdapter } from "./adapter.ts";
import { severityFrom } from "./category.ts";
import { at, flagAt, isObject, listAt, numberAt, parsed, textAt, wordsOf } from "./json.ts";
import { type Direction, type Draft, eventOf, ignored, invalid, type Reading } from "./source.ts";

/**
 * Findings in which the far end is hostile although our own machine opened the connection. In all others with the role ACTOR
 * (ours scans, floods, guesses passwords) the far end is the victim, and must not be blocked.
 */
const hostilePeer = /C&CActivity|CryptoCurrency|MaliciousIPCaller|DropPoint/;

const actionNames = ["networkConnectionAction", "awsApiCallAction", "kubernetesApiCallAction", "rdsLoginAttemptAction"] as const;

function bothFamilies(details: unknown): readonly unknown[] {
  return [at(details, "ipAddressV4"), at(details, "ipAddressV6")];
}

/** Through which addresses a call to a cluster came, in either spelling. */
function clusterSources(action: unknown): readonly unknown[] {
  const call = at(action, "kubernetesApiCallAction");
  return [...listAt(call, "sourceIPs"), ...listAt(call, "sourceIps")];
}

/** The far ends of every action there is. `sourceIPs` of Kubernetes calls holds proxies as well, ours among them: one alone is the caller. */
function remotes(action: unknown): readonly unknown[] {
  const single = actionNames.flatMap((name) => bothFamilies(at(action, name, "remoteIpDetails")));
  const probes = listAt(action, "portProbeAction", "portProbeDetails").flatMap((probe) => bothFamilies(at(probe, "remoteIpDetails")));
  const sources = clusterSources(action);
  return [...single, ...probes, ...(sources.length === 1 ? sources : [])];
}

/** Attack sequences name the far ends as endpoints (AWS docs, guardduty/latest/ug/guardduty-attack-sequence-finding-types, 2026-11). */
function sequenceEnds(service: unknown): readonly unknown[] {
  return listAt(service, "detection", "sequence", "endpoints")
    .filter((end) => textAt(end, "connection", "direction").toUpperCase() !== "OUTBOUND")
    .map((end) => at(end, "ip"));
}

function interfaceAddresses(face: unknown): readonly unknown[] {
  const more = listAt(face, "privateIpAddresses").map((entry) => (isObject(entry) ? at(entry, "privateIpAddress") : entry));
  return [at(face, "privateIpAddress"), at(face, "publicIp"), ...more, ...listAt(face, "ipv6Addresses")];
}

function ours(finding: unknown, action: unknown): readonly unknown[] {
  const faces = listAt(finding, "resource", "instanceDetails", "networkInterfaces").flatMap(interfaceAddresses);
  const locals = [at(action, "networkConnectionAction"), ...listAt(action, "portProbeAction", "portProbeDetails")];
  const inSequence = listAt(finding, "service", "detection", "sequence", "resources").flatMap((resource) =>
    interfaceAddresses(at(resource, "data", "ec2NetworkInterface")),
  );
  return [...faces, ...locals.flatMap((local) => bothFamilies(at(local, "localIpDetails"))), ...inSequence];
}

function resourcesOf(finding: object): readonly EventResource[] {
  const resource = at(finding, "resource");
  const where = { account: textAt(finding, "accountId"), region: textAt(finding, "region") };
  const workload = at(resource, "kubernetesDetails", "kubernetesWorkloadDetails");
  return [
    { kind: "instance", id: textAt(resource, "instanceDetails", "instanceId"), ...where },
    { kind: "access-key", id: textAt(resource, "accessKeyDetails", "accessKeyId"), ...where },
    { kind: "user", id: textAt(resource, "accessKeyDetails", "userName"), ...where },
    { kind: "cluster", id: textAt(resource, "eksClusterDetails", "name"), ...where },
    { kind: "pod", id: textAt(workload, "name"), namespace: textAt(workload, "namespace"), ...where },
    { kind: "container", id: textAt(resource, "containerDetails", "id"), ...where },
    { kind: "database", id: textAt(resource, "rdsDbInstanceDetails", "dbInstanceIdentifier"), ...where },
    { kind: "function", id: textAt(resource, "lambdaDetails", "functionName"), ...where },
    ...listAt(resource, "s3BucketDetails").map((bucket) => ({ kind: "bucket", id: textAt(bucket, "name"), ...where })),
  ];
}

/** Old findings say `additionalInfo.sample`, newer ones hide it in a text of JSON (`additionalInfo.value`). */
function isSample(service: unknown): boolean {
  const info = at(service, "additionalInfo");
  return flagAt(info, "sample") || flagAt(parsed(textAt(info, "value")), "sample");
}

function directionIn(action: unknown): Direction {
  const word = textAt(action, "networkConnectionAction", "connectionDirection").toUpperCase();
  if (word === "INBOUND" || word === "OUTBOUND") return word === "INBOUND" ? "inbound" : "outbound";
  return listAt(action, "portProbeAction", "portProbeDetails").length > 0 ? "inbound" : null;
}

function attackersOf(type: string, service: unknown, action: unknown): readonly unknown[] {
  const far = [...remotes(action), ...sequenceEnds(service)];
  const isOurs = textAt(service, "resourceRole").toUpperCase() === "ACTOR" || directionIn(action) === "outbound";
  return !isOurs || hostilePeer.test(type) ? far : [];
}

function draftOf(finding: object, type: string): Draft {
  const service = at(finding, "service");
  const action = at(service, "action");
  return {
    key: [textAt(finding, "id") || textAt(finding, "arn")],
    type,
    title: textAt(finding, "title"),
    // 1.0–3.9 low, 4.0–6.9 medium, 7.0–8.9 high, 9.0–10.0 critical (AWS docs, guardduty/latest/ug/guardduty_findings-severity, 2026-11).
    severity: severityFrom(numberAt(finding, "severity"), { critical: 9, high: 7, medium: 4 }),
    at: textAt(service, "eventLastSeen") || textAt(finding, "updatedAt"),
    sample: isSample(service),
    direction: directionIn(action),
    attackers: attackersOf(type, service, action),
    victims: ours(finding, action),
    user: at(finding, "resource", "accessKeyDetails", "userName"),
    process: at(service, "runtimeDetails", "process", "name"),
    resources: resourcesOf(finding),
    evidence: {
      account: at(finding, "accountId"),
      region: at(finding, "region"),
      count: at(service, "count"),
      resourceRole: at(service, "resourceRole"),
      actionType: at(action, "actionType"),
      "connection.localPort": at(action, "networkConnectionAction", "localPortDetails", "port"),
      "connection.remotePort": at(action, "networkConnectionAction", "remotePortDetails", "port"),
      "dns.domain": at(action, "dnsRequestAction", "domain"),
      "api.name": at(action, "awsApiCallAction", "api"),
      "kubernetes.sourceIPs": wordsOf(clusterSources(action)),
    },
  };
}

export function readFinding(finding: object): Reading {
  const type = textAt(finding, "type");
  if (type === "" || !isObject(at(finding, "service"))) return invalid("type", "is no GuardDuty finding: it has no type and service");
  if (flagAt(finding, "service", "archived")) return ignored("archived", `finding ${textAt(finding, "id")} is archived or suppressed in GuardDuty`);
  return eventOf(draftOf(finding, type));
}

export const guardduty = createAdapter({ name: "guardduty", title: "Amazon GuardDuty", read: readFinding });
