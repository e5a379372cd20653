// The EC2 actions that network ACLs need, as strict as the cloud: CreateNetworkAclEntry, ReplaceNetworkAclEntry,
// DeleteNetworkAclEntry, DescribeNetworkAcls, CreateTags, DeleteTags. Any other action is InvalidAction.
import type { AclState, EntryInput, SimulatedAcl } from "./acl.ts";
import { awsLimits } from "./limits.ts";
import { invalid, type ParameterSpec, type Parameters, readBoolean, readInteger, readList, requireText } from "./parameters.ts";
import { AwsRefusal, element } from "./refusal.ts";
import type { BucketName } from "./throttle.ts";

export interface Ec2World {
  readonly accountId: string;
  readonly region: string;
  readonly nowMs: number;
  readonly describeLagMs: number;
  readonly pageSizeMax: number;
  /** ACLs of the region, by id. */
  readonly acls: ReadonlyMap<string, SimulatedAcl>;
}

/** An action that passed its checks: what it needs permission for, and the change it makes. */
export interface Prepared {
  readonly resource: string;
  /** Makes the change; gives the answer's content. */
  readonly commit: () => readonly string[];
}

export interface Ec2Action {
  readonly bucket: BucketName;
  readonly spec: ParameterSpec;
  readonly prepare: (parameters: Parameters, world: Ec2World) => Prepared;
}

const entrySpec: ParameterSpec = {
  required: ["NetworkAclId", "RuleNumber", "Protocol", "RuleAction", "Egress"],
  optional: ["CidrBlock", "Ipv6CidrBlock", "PortRange.From", "PortRange.To", "Icmp.Code", "Icmp.Type", "DryRun"],
  lists: [],
};

const done = [element("return", true)];

export function aclArn(world: Pick<Ec2World, "region" | "accountId">, id: string): string {
  return `arn:aws:ec2:${world.region}:${world.accountId}:network-acl/${id}`;
}

function aclOf(world: Ec2World, id: string): SimulatedAcl {
  if (!/^acl-([0-9a-f]{8}|[0-9a-f]{17})$/.test(id)) throw new AwsRefusal(400, "InvalidNetworkAclID.Malformed", `Invalid id: "${id}"`);
  const acl = world.acls.get(id);
  if (acl === undefined) throw new AwsRefusal(400, "InvalidNetworkAclID.NotFound", `The networkAcl ID '${id}' does not exist`);
  return acl;
}

function readProtocol(parameters: Parameters): string {
  const protocol = requireText(parameters, "Protocol");
  if (protocol === "-1" || (/^\d{1,3}$/.test(protocol) && Number(protocol) <= 255)) return protocol;
  throw invalid("protocol", protocol);
}

function readCidr(parameters: Parameters): { readonly cidr: string } {
  const v4 = parameters.get("CidrBlock");
  const v6 = parameters.get("Ipv6CidrBlock");
  if (v4 !== undefined && v6 !== undefined) {
    throw new AwsRefusal(400, "InvalidParameterCombination", "Both cidrBlock and ipv6CidrBlock are given; only one of them may be");
  }
  if (v4 === undefined && v6 === undefined) throw new AwsRefusal(400, "MissingParameter", "Either 'cidrBlock' or 'ipv6CidrBlock' should be provided.");
  if (v4?.includes(":")) throw invalid("cidrBlock", v4);
  if (v6 !== undefined && !v6.includes(":")) throw invalid("ipv6CidrBlock", v6);
  return { cidr: v4 ?? v6 ?? "" };
}

/** Ports are required for TCP and UDP, type and code for ICMP (and ICMPv6 with an IPv6 CIDR); for other protocols they are ignored. */
function readExtras(parameters: Parameters, protocol: string, cidr: string): Pick<EntryInput, "ports" | "icmp"> {
  if (protocol === "6" || protocol === "17") {
    const from = readInteger(parameters, "PortRange.From");
    const to = readInteger(parameters, "PortRange.To");
    if (from === null || to === null) throw new AwsRefusal(400, "MissingParameter", "The request must contain the parameter portRange");
    if (from < 0 || to > 65_535 || from > to) throw invalid("portRange", `${from}-${to}`);
    return { ports: { from, to } };
  }
  if (protocol === "1" || (protocol === "58" && cidr.includes(":"))) {
    const type = readInteger(parameters, "Icmp.Type");
    const code = readInteger(parameters, "Icmp.Code");
    if (type === null || code === null) throw new AwsRefusal(400, "MissingParameter", "The request must contain the parameter icmpTypeCode");
    return { icmp: { type, code } };
  }
  return {};
}

function readEntry(parameters: Parameters): EntryInput {
  const number = readInteger(parameters, "RuleNumber") ?? 0;
  const { first, last } = awsLimits.ruleNumber;
  if (number < first || number > last) throw invalid("ruleNumber", String(number));
  const action = requireText(parameters, "RuleAction");
  if (action !== "allow" && action !== "deny") throw invalid("ruleAction", action);
  const protocol = readProtocol(parameters);
  const { cidr } = readCidr(parameters);
  return { number, egress: readBoolean(parameters, "Egress"), protocol, action, cidr, ...readExtras(parameters, protocol, cidr) };
}

function writing(change: (acl: SimulatedAcl, parameters: Parameters) => () => void): Ec2Action["prepare"] {
  return (parameters, world) => {
    const id = requireText(parameters, "NetworkAclId");
    const acl = aclOf(world, id);
    const commit = change(acl, parameters);
    return {
      resource: aclArn(world, id),
      commit: () => {
        commit();
        return done;
      },
    };
  };
}

function entryXml(entry: AclState["entries"][number]): string {
  return element("item", [
    element("ruleNumber", entry.number),
    element("protocol", entry.protocol),
    element("ruleAction", entry.action),
    element("egress", entry.egress),
    element(entry.family === 4 ? "cidrBlock" : "ipv6CidrBlock", entry.cidr),
    ...(entry.icmp === undefined ? [] : [element("icmpTypeCode", [element("code", entry.icmp.code), element("type", entry.icmp.type)])]),
    ...(entry.ports === undefined ? [] : [element("portRange", [element("from", entry.ports.from), element("to", entry.ports.to)])]),
  ]);
}

function aclXml(id: string, state: AclState, accountId: string): string {
  const associations = state.subnets.map((subnet, at) =>
    element("item", [element("networkAclAssociationId", `aclassoc-${id.slice(4, 11)}${at}`), element("networkAclId", id), element("subnetId", subnet)]),
  );
  return element("item", [
    element("networkAclId", id),
    element("vpcId", state.vpc),
    element("default", state.isDefault),
    element("entrySet", state.entries.map(entryXml)),
    element("associationSet", associations),
    element(
      "tagSet",
      Object.entries(state.tags).map(([key, value]) => element("item", [element("key", key), element("value", value)])),
    ),
    element("ownerId", accountId),
  ]);
}

interface Candidate {
  readonly id: string;
  readonly state: AclState;
}

/** Filters as documented in the model; `tag:<key>` apart. */
const filters: ReadonlyMap<string, (acl: Candidate) => readonly string[]> = new Map<string, (acl: Candidate) => readonly string[]>([
  ["network-acl-id", (acl) => [acl.id]],
  ["vpc-id", (acl) => [acl.state.vpc]],
  ["default", (acl) => [String(acl.state.isDefault)]],
  ["association.subnet-id", (acl) => acl.state.subnets],
  ["tag-key", (acl) => Object.keys(acl.state.tags)],
  ["entry.cidr", (acl) => acl.state.entries.filter((entry) => entry.family === 4).map((entry) => entry.cidr)],
  ["entry.ipv6-cidr", (acl) => acl.state.entries.filter((entry) => entry.family === 6).map((entry) => entry.cidr)],
  ["entry.rule-number", (acl) => acl.state.entries.map((entry) => String(entry.number))],
  ["entry.egress", (acl) => acl.state.entries.map((entry) => String(entry.egress))],
  ["entry.rule-action", (acl) => acl.state.entries.map((entry) => entry.action)],
]);

function readFilters(parameters: Parameters): ((acl: Candidate) => boolean)[] {
  const tests: ((acl: Candidate) => boolean)[] = [];
  for (let at = 1; parameters.has(`Filter.${at}.Name`); at += 1) {
    const name = requireText(parameters, `Filter.${at}.Name`);
    const wanted = readList(parameters, `Filter.${at}.Value`);
    const values = name.startsWith("tag:") ? (acl: Candidate) => [acl.state.tags[name.slice(4)] ?? []].flat() : filters.get(name);
    if (values === undefined) throw new AwsRefusal(400, "InvalidParameterValue", `The filter '${name}' is invalid`);
    tests.push((acl) => values(acl).some((value) => wanted.includes(value)));
  }
  return tests;
}

function readToken(parameters: Parameters): number {
  const token = parameters.get("NextToken");
  if (token === undefined) return 0;
  const match = /^from:(\d+)$/.exec(Buffer.from(token, "base64").toString());
  if (match === null) throw new AwsRefusal(400, "InvalidParameterValue", "Unable to parse pagination token");
  return Number(match[1]);
}

function describe(parameters: Parameters, world: Ec2World): Prepared {
  const ids = readList(parameters, "NetworkAclId");
  const asked = readInteger(parameters, "MaxResults");
  const { fewest, most } = awsLimits.maxResults;
  if (asked !== null && (asked < fewest || asked > most)) throw invalid("maxResults", String(asked));
  if (asked !== null && ids.length > 0) {
    throw new AwsRefusal(400, "InvalidParameterCombination", "The parameter networkAclIds cannot be used with the parameter maxResults");
  }
  const chosen = ids.length > 0 ? ids.map((id) => aclOf(world, id)) : [...world.acls.values()];
  const tests = readFilters(parameters);
  const from = readToken(parameters);
  const content = () => {
    const all = chosen.map((acl) => ({ id: acl.id, state: acl.stateAt(world.nowMs - world.describeLagMs) })).filter((acl) => tests.every((test) => test(acl)));
    const to = from + Math.min(asked ?? most, world.pageSizeMax);
    const page = all.slice(from, to).map((acl) => aclXml(acl.id, acl.state, world.accountId));
    const next = to < all.length ? [element("nextToken", Buffer.from(`from:${to}`).toString("base64"))] : [];
    return [element("networkAclSet", page), ...next];
  };
  return { resource: "*", commit: content };
}

function readTags(parameters: Parameters): { readonly key: string; readonly value: string | null }[] {
  const tags: { readonly key: string; readonly value: string | null }[] = [];
  for (let at = 1; parameters.has(`Tag.${at}.Key`); at += 1) {
    const key = requireText(parameters, `Tag.${at}.Key`);
    const value = parameters.get(`Tag.${at}.Value`) ?? null;
    if (key.length > awsLimits.tagKeyChars || key.startsWith("aws:")) throw invalid("key", key);
    if ((value ?? "").length > awsLimits.tagValueChars) throw invalid("value", value ?? "");
    tags.push({ key, value });
  }
  return tags;
}

function tagging(change: (acl: SimulatedAcl, tags: readonly { readonly key: string; readonly value: string | null }[]) => void): Ec2Action["prepare"] {
  return (parameters, world) => {
    const [id, ...more] = readList(parameters, "ResourceId");
    if (id === undefined) throw new AwsRefusal(400, "MissingParameter", "The request must contain the parameter resourceIdSet");
    if (more.length > 0) throw new AwsRefusal(400, "InvalidParameterValue", "only one resource at a time is simulated");
    if (!id.startsWith("acl-")) throw new AwsRefusal(400, "InvalidID", `The ID '${id}' is not valid`);
    const acl = aclOf(world, id);
    const tags = readTags(parameters);
    return {
      resource: aclArn(world, id),
      commit: () => {
        change(acl, tags);
        return done;
      },
    };
  };
}

const tagSpec: ParameterSpec = { required: ["ResourceId.1"], optional: ["DryRun"], lists: [/^ResourceId\.\d+$/, /^Tag\.\d+\.(Key|Value)$/] };

export const ec2Actions: ReadonlyMap<string, Ec2Action> = new Map<string, Ec2Action>([
  [
    "CreateNetworkAclEntry",
    {
      bucket: "mutating",
      spec: entrySpec,
      prepare: writing((acl, parameters) => {
        const entry = readEntry(parameters);
        return () => acl.create(entry, "api");
      }),
    },
  ],
  [
    "ReplaceNetworkAclEntry",
    {
      bucket: "mutating",
      spec: entrySpec,
      prepare: writing((acl, parameters) => {
        const entry = readEntry(parameters);
        return () => acl.replace(entry, "api");
      }),
    },
  ],
  [
    "DeleteNetworkAclEntry",
    {
      bucket: "mutating",
      spec: { required: ["NetworkAclId", "RuleNumber", "Egress"], optional: ["DryRun"], lists: [] },
      prepare: writing((acl, parameters) => {
        const number = readInteger(parameters, "RuleNumber") ?? 0;
        const egress = readBoolean(parameters, "Egress");
        return () => acl.delete(number, egress, "api");
      }),
    },
  ],
  [
    "DescribeNetworkAcls",
    {
      bucket: "describing",
      spec: {
        required: [],
        optional: ["MaxResults", "NextToken", "DryRun"],
        lists: [/^NetworkAclId\.\d+$/, /^Filter\.\d+\.Name$/, /^Filter\.\d+\.Value\.\d+$/],
      },
      prepare: describe,
    },
  ],
  [
    "CreateTags",
    {
      bucket: "tagging",
      spec: tagSpec,
      prepare: tagging((acl, tags) => {
        if (tags.length === 0) throw new AwsRefusal(400, "MissingParameter", "The request must contain the parameter tagSet");
        acl.tag(Object.fromEntries(tags.map((tag) => [tag.key, tag.value ?? ""])), "api");
      }),
    },
  ],
  [
    "DeleteTags",
    {
      bucket: "tagging",
      spec: tagSpec,
      // Without tags, all user-defined ones go (D: DeleteTags).
      prepare: tagging((acl, tags) => acl.untag(tags.length === 0 ? Object.keys(acl.state.tags).map((key) => ({ key, value: null })) : tags, "api")),
    },
  ],
]);
