// A simulated network ACL as the VPC console lists it: inbound and outbound rules by number, the default denies as `*`.
import type { AclState } from "../../../simulators/aws/acl.ts";
import { type AclChange, type AclEntry, type AwsSimulator, awsLimits } from "../../../simulators/aws.ts";
import { type ConsoleRow, type ConsoleTable, type ConsoleView, type Happening, main, minor, type WatchedFirewall } from "../console-view.ts";

export interface WatchedAcl {
  readonly target: string;
  readonly acl: string;
  /** The numbers that `setup` claimed. */
  readonly rules: { readonly first: number; readonly last: number };
}

/** Protocol numbers that the console shows by name. */
const protocolNames = new Map([
  ["-1", "All"],
  ["1", "ICMP (1)"],
  ["6", "TCP (6)"],
  ["17", "UDP (17)"],
  ["58", "ICMPv6 (58)"],
]);

function isDefault({ number }: AclEntry): boolean {
  return number === awsLimits.defaultDeny.ipv4 || number === awsLimits.defaultDeny.ipv6;
}

function portText({ protocol, ports }: AclEntry): string {
  if (ports === undefined) return protocol === "-1" ? "All" : "N/A";
  return ports.from === ports.to ? String(ports.from) : `${ports.from} - ${ports.to}`;
}

function rowOf(entry: AclEntry, { rules }: WatchedAcl): ConsoleRow {
  const ours = entry.action === "deny" && rules.first <= entry.number && entry.number <= rules.last;
  const type = entry.protocol === "-1" ? `All ${entry.family === 4 ? "traffic" : "IPv6 traffic"}` : "Custom";
  const protocol = protocolNames.get(entry.protocol) ?? entry.protocol;
  const action = entry.action === "deny" ? "Deny" : "Allow";
  return {
    id: `${entry.egress ? "out" : "in"} ${entry.number}`,
    name: `rule ${entry.number}`,
    cells: [isDefault(entry) ? "*" : String(entry.number), type, protocol, portText(entry), entry.cidr, action],
    ours,
    cidrs: ours ? [entry.cidr] : [],
    note: ours ? null : isDefault(entry) ? "AWS's default" : "a person's",
  };
}

function tableOf(state: AclState, egress: boolean, watched: WatchedAcl): ConsoleTable {
  return {
    caption: egress ? "Outbound rules" : "Inbound rules",
    display: egress ? "folded" : "open",
    columns: [
      main("Rule", 7),
      minor("Type", 18),
      minor("Protocol", 10),
      minor("Port range", 11),
      main(egress ? "Destination" : "Source", 21),
      main("Allow/Deny", 10),
    ],
    rows: state.entries.filter((entry) => entry.egress === egress).map((entry) => rowOf(entry, watched)),
  };
}

export function aclView(state: AclState, watched: WatchedAcl): ConsoleView {
  return {
    kind: "aws-nacl",
    place: ["AWS", "VPC", "Network ACLs"],
    title: watched.acl,
    tables: [tableOf(state, false, watched), tableOf(state, true, watched)],
  };
}

function rule(entry: AclEntry): string {
  return `rule ${entry.number} ${entry.action} ${entry.cidr} ${entry.egress ? "out" : "in"}`;
}

const words = {
  create: { tone: "appears", text: "appears" },
  replace: { tone: "changed", text: "is now this" },
  delete: { tone: "gone", text: "is gone" },
} as const satisfies Record<string, Happening>;

/** What to tell of a change; null for what is not worth a line. */
export function aclHappening({ verb, by, entry }: AclChange): Happening | null {
  const who = by === "api" ? "" : " (by a person)";
  if (verb === "tag") return { tone: "note", text: `claimed by Portcullis${who}` };
  if (entry === undefined || (verb !== "create" && verb !== "replace" && verb !== "delete")) return null;
  const { tone, text } = words[verb];
  return { tone, text: `${rule(entry)} ${text}${who}` };
}

export function watchAcl(aws: AwsSimulator, watched: WatchedAcl): WatchedFirewall {
  return {
    target: watched.target,
    view: () => aclView(aws.acl(watched.acl).state, watched),
    onHappening: (listener) =>
      aws.onChange((change) => {
        const happening = change.acl === watched.acl ? aclHappening(change) : null;
        if (happening !== null) listener(happening);
      }),
  };
}
