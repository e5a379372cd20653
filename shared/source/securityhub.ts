// AWS Security Hub findings (ASFF), by EventBridge (`detail.findings`), SNS or bare.
// Fields: AWS docs, securityhub/latest/userguide/securityhub-findings-format-syntax, 2026-11.
import type { EventResource } from "../event/event.ts";
import { createAdapter } from "./adapter.ts";
import { severityFrom, severityOf } from "./category.ts";
import { at, flagAt, isObject, listAt, numberAt, own, textAt, textOf } from "./json.ts";
import { type Direction, type Draft, eventOf, ignored, invalid, type Reading } from "./source.ts";

/** As in GuardDuty's own findings: the far end of our own connection is hostile in these only. */
const hostilePeer = /C&CActivity|CryptoCurrency|MaliciousIPCaller|DropPoint|Command and Control/;

function spread(message: unknown): readonly unknown[] {
  const findings = at(message, "findings");
  return Array.isArray(findings) ? findings : [message];
}

function bothFamilies(details: unknown): readonly unknown[] {
  return [at(details, "IpAddressV4"), at(details, "IpAddressV6")];
}

/** Where products keep what the format had no place for: GuardDuty's names with slashes. */
function productFields(finding: object): readonly (readonly [string, unknown])[] {
  const fields = at(finding, "ProductFields");
  return isObject(fields) ? Object.entries(fields).filter(([name]) => name.startsWith("aws/guardduty/service/")) : [];
}

function product(finding: object, suffix: string): readonly unknown[] {
  return productFields(finding)
    .filter(([name]) => name.endsWith(suffix))
    .map(([, value]) => value);
}

/** Port probes come from outside by what they are. */
function isProbe(finding: object): boolean {
  const named = productFields(finding).some(([name]) => name.startsWith("aws/guardduty/service/action/portProbeAction/portProbeDetails"));
  return named || listAt(finding, "Action", "PortProbeAction", "PortProbeDetails").length > 0;
}

function directionIn(finding: object): Direction {
  const words = [
    at(finding, "Network", "Direction"),
    at(finding, "Action", "NetworkConnectionAction", "ConnectionDirection"),
    ...product(finding, "/connectionDirection"),
  ];
  const word = words.map(textOf).find((text) => text !== "") ?? "";
  if (/^out/i.test(word)) return "outbound";
  return /^in/i.test(word) || isProbe(finding) ? "inbound" : null;
}

function actionEnds(finding: object): readonly unknown[] {
  const action = at(finding, "Action");
  const single = ["NetworkConnectionAction", "AwsApiCallAction"].flatMap((name) => bothFamilies(at(action, name, "RemoteIpDetails")));
  const probes = listAt(action, "PortProbeAction", "PortProbeDetails").flatMap((probe) => bothFamilies(at(probe, "RemoteIpDetails")));
  const fields = [...product(finding, "emoteIpDetails/ipAddressV4"), ...product(finding, "emoteIpDetails/ipAddressV6")];
  return [...single, ...probes, ...fields];
}

function endsOf(finding: object, types: string): Pick<Draft, "direction" | "attackers" | "victims"> {
  const direction = directionIn(finding);
  const network = at(finding, "Network");
  const [source, destination] = [
    [at(network, "SourceIpV4"), at(network, "SourceIpV6")],
    [at(network, "DestinationIpV4"), at(network, "DestinationIpV6")],
  ];
  const isOurs = direction === "outbound" || product(finding, "/resourceRole").some((role) => textOf(role).toUpperCase() === "ACTOR");
  const far = [...actionEnds(finding), ...(direction === "outbound" ? destination : direction === "inbound" ? source : [])];
  const near = direction === "outbound" ? source : direction === "inbound" ? destination : [];
  const instances = listAt(finding, "Resources").flatMap((resource) => {
    const instance = at(resource, "Details", "AwsEc2Instance");
    return [...listAt(instance, "IpV4Addresses"), ...listAt(instance, "IpV6Addresses")];
  });
  const locals = [at(finding, "Action", "NetworkConnectionAction"), ...listAt(finding, "Action", "PortProbeAction", "PortProbeDetails")];
  const named = [...product(finding, "/localIpDetails/ipAddressV4"), ...product(finding, "/localIpDetails/ipAddressV6")];
  const victims = [...near, ...instances, ...locals.flatMap((local) => bothFamilies(at(local, "LocalIpDetails"))), ...named];
  return { direction, attackers: !isOurs || hostilePeer.test(types) ? far : [], victims };
}

/** Resources by the words that events have for them, and by their own name: the last part of an ARN, or of `AWS::IAM::AccessKey:…`. */
const kinds: ReadonlyMap<string, string> = new Map([
  ["AwsEc2Instance", "instance"],
  ["AwsS3Bucket", "bucket"],
  ["AwsIamAccessKey", "access-key"],
  ["AwsIamUser", "user"],
  ["AwsEksCluster", "cluster"],
  ["AwsRdsDbInstance", "database"],
  ["AwsLambdaFunction", "function"],
  ["Container", "container"],
]);

function resourceOf(finding: object, resource: unknown): EventResource {
  const type = textAt(resource, "Type");
  const id = textAt(resource, "Id");
  const where = { account: textAt(finding, "AwsAccountId"), region: textAt(resource, "Region") || textAt(finding, "Region") };
  const kind = kinds.get(type);
  return kind === undefined ? { kind: type || "resource", id, ...where } : { kind, id: id.split(/[/:]/).at(-1) || id, ...where };
}

function draftOf(finding: object, id: string): Draft {
  const types = listAt(finding, "Types").map(textOf);
  const generator = textAt(finding, "GeneratorId");
  return {
    key: [id],
    type: types[0] ?? (generator || "finding"),
    // A check finds a weakness, whatever could be done with it, and no attack.
    ...(types.length > 0 && types.every((type) => type.startsWith("Software and Configuration Checks")) ? { category: "other" } : {}),
    title: textAt(finding, "Title"),
    severity:
      severityOf(textAt(finding, "Severity", "Label")) ?? severityFrom(numberAt(finding, "Severity", "Normalized"), { critical: 90, high: 70, medium: 40 }),
    at: textAt(finding, "LastObservedAt") || textAt(finding, "UpdatedAt"),
    sample: flagAt(finding, "Sample") || product(finding, "/additionalInfo/sample").includes("true"),
    ...endsOf(finding, types.join(" ")),
    process: at(finding, "Process", "Name"),
    resources: listAt(finding, "Resources").map((resource) => resourceOf(finding, resource)),
    evidence: {
      product: at(finding, "ProductName") ?? at(finding, "ProductArn"),
      account: at(finding, "AwsAccountId"),
      workflow: at(finding, "Workflow", "Status"),
      generator,
    },
  };
}

function readFinding(finding: object): Reading {
  const id = textAt(finding, "Id");
  if (id === "" || own(finding, "ProductArn") === undefined) return invalid("Id", "is no finding of Security Hub: it has no Id and ProductArn");
  if (textAt(finding, "RecordState") === "ARCHIVED") return ignored("archived", `${id} is archived`);
  const workflow = textAt(finding, "Workflow", "Status");
  if (workflow === "SUPPRESSED" || workflow === "RESOLVED") return ignored("archived", `${id} is ${workflow.toLowerCase()} in Security Hub`);
  const compliance = textAt(finding, "Compliance", "Status");
  if (compliance !== "" && compliance !== "FAILED") return ignored("not-an-attack", `${id}: the check says ${compliance}`);
  return eventOf(draftOf(finding, id));
}

export const securityhub = createAdapter({ name: "securityhub", title: "AWS Security Hub", spread, read: readFinding });
