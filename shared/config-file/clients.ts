// What a client's part means beside its shape: it must be able to sign in, must not ask for what does not exist,
// and no two clients may share a credential, or nobody could say who did what.
import type { ClientConfig, Escalation, plainScopes } from "../config.ts";
import { limits } from "../limits.ts";
import { type Finding, finding, isTable, type Path, suggestion } from "./problem.ts";
import { type ClientSection, clientSchema, type EscalateSection, type Floors, type Sections } from "./schema.ts";
import { emittedSenders, heldIn, senderFindings, twice } from "./senders.ts";
import { salvage, validate } from "./validate.ts";
import { isName, nameRemedy } from "./words.ts";

export interface ReadClients {
  readonly clients: Readonly<Record<string, ClientConfig>>;
  readonly findings: readonly Finding[];
}

const reading = ["read", "feed", "metrics"] as const satisfies readonly (typeof plainScopes)[number][];

export function nameFindings(section: string, name: string): Finding[] {
  if (isName(name)) return [];
  return [finding([section, name], "not a usable name", nameRemedy, "key")];
}

type Salvaged = Partial<ClientSection>;

function ownFindings(name: string, { keys, secrets, pathKeys, scopes }: Salvaged, written: unknown): Finding[] {
  if (keys === undefined || secrets === undefined || pathKeys === undefined || keys.length > 0) return [];
  const path: Path = ["clients", name];
  // As it is written: topics that cannot be read are named elsewhere, and are no lack of a credential.
  const hasTopics = isTable(written) && Object.hasOwn(written, "sns");
  if (secrets.length === 0 && pathKeys.length === 0 && !hasTopics) {
    return [
      finding(path, "has no credential, so nobody can be this client", `run \`npm run portcullis -- key ${name}\` and add the \`keys:\` line it prints`, "key"),
    ];
  }
  const unreadable = reading.filter((scope) => scopes?.includes(scope) ?? false);
  if (unreadable.length === 0) return [];
  return [
    finding([...path, "scopes"], `${unreadable.join(", ")} cannot be used with a signature, which is accepted on POST only`, "add a key, or remove them"),
  ];
}

function sharedFindings(clients: Readonly<Record<string, Salvaged>>): Finding[] {
  const held = (field: "keys" | "secrets") => heldIn(clients, [field], (client) => client[field]);
  const secrets = held("secrets");
  const count = new Set(secrets.map(({ credential }) => credential)).size;
  const most = limits.signedSecretsMax;
  const tooMany = count > most ? [finding(["clients"], `${count} signing secrets in all`, `use at most ${most}; keys have no such limit`, "key")] : [];
  return [...twice(held("keys"), "key"), ...twice(secrets, "signing secret"), ...tooMany];
}

function targetFindings(name: string, client: Salvaged, targetNames: readonly string[]): Finding[] {
  return (client.targets ?? []).flatMap((target, index) =>
    targetNames.includes(target)
      ? []
      : [finding(["clients", name, "targets", index], `there is no target ${JSON.stringify(target)}`, suggestion(target, targetNames))],
  );
}

export function escalation(section: EscalateSection | undefined): { readonly escalate?: Escalation } {
  return section === undefined || section === false ? {} : { escalate: { factor: section.factor, maxMs: section.max, memoryMs: section.memory } };
}

function emitted(client: ClientSection, general: EscalateSection | undefined): ClientConfig {
  return {
    keys: client.keys.map((key) => key.slice("sha256:".length)),
    secrets: client.secrets,
    scopes: [...new Set(client.scopes)],
    from: client.from ?? null,
    longestMs: client.longest,
    widest: client.widest,
    targets: client.targets ?? null,
    live: client.live,
    newPerMinute: client.newPerMinute,
    mode: client.mode,
    ...escalation(client.escalate ?? general),
    ...emittedSenders(client),
  };
}

/** Every client on its own, then all of them together. `general`: how leases grow where a client says nothing of its own. */
export function readClients(input: unknown, floors: Floors, targetNames: readonly string[], general: EscalateSection | undefined): ReadClients {
  if (!isTable(input)) return { clients: {}, findings: [finding(["clients"], "not a map of clients", "write `name: { keys: […], scopes: […] }` below it")] };
  const findings: Finding[] = [];
  const read: Record<string, ClientSection> = {};
  const salvaged: Record<string, Salvaged> = {};
  const names = Object.keys(input);
  if (names.length === 0)
    findings.push(
      finding(["clients"], "no clients, so nobody can ask for anything", "add one, such as `admin: { keys: […], scopes: [block, lift, read, admin] }`"),
    );
  if (names.length > limits.clientsMax) findings.push(finding(["clients"], `${names.length} clients`, `use at most ${limits.clientsMax}`, "key"));
  const schema = clientSchema(floors);
  for (const name of names) {
    findings.push(...nameFindings("clients", name));
    const checked = validate(schema, input[name], ["clients", name]);
    findings.push(...checked.findings);
    const client = checked.value ?? salvage(schema.entries, input[name]);
    if (isName(name)) salvaged[name] = client;
    if (checked.value !== null && isName(name)) read[name] = checked.value;
    findings.push(...ownFindings(name, client, input[name]), ...targetFindings(name, client, targetNames));
  }
  findings.push(...sharedFindings(salvaged), ...senderFindings(salvaged, input));
  return { clients: Object.fromEntries(Object.entries(read).map(([name, client]) => [name, emitted(client, general)])), findings };
}

/** The 2017 API carries its key in the URL, and URLs end up in logs: its client may do very little. */
export function blacklistipFindings(
  section: Sections["blacklistip"],
  clients: Readonly<Record<string, ClientConfig>>,
  clientNames: readonly string[],
): Finding[] {
  if (section === undefined) return [];
  const name = section.client;
  const client = Object.hasOwn(clients, name) ? clients[name] : undefined;
  if (client === undefined) {
    return clientNames.includes(name) ? [] : [finding(["blacklistip", "client"], `there is no client ${JSON.stringify(name)}`, suggestion(name, clientNames))];
  }
  const path: Path = ["clients", name];
  const why = "its key travels in a URL (blacklistip)";
  const findings: Finding[] = [];
  if (client.keys.length === 0) findings.push(finding(path, `has no key, which blacklistip needs`, `run \`npm run portcullis -- key ${name}\``, "key"));
  if (client.from === null) findings.push(finding(path, `has no \`from\`, and ${why}`, "add `from: […]` with the detector's own addresses", "key"));
  if (client.widest.ipv4 < 32 || client.widest.ipv6 < 64)
    findings.push(finding([...path, "widest"], `wider than a host, and ${why}`, "write { ipv4: 32, ipv6: 64 }, or leave it out"));
  if (client.longestMs > limits.blacklistipLongestMs) findings.push(finding([...path, "longest"], `longer than 1h, and ${why}`, "write `longest: 1h` or less"));
  const others = client.scopes.filter((scope) => scope !== "block");
  if (others.length > 0 || client.scopes.length === 0)
    findings.push(finding([...path, "scopes"], `may do more than block, and ${why}`, "write `scopes: [block]`"));
  return findings;
}
