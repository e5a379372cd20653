// What the build demands of clients whose credential is weaker than a key in a header: a secret in the path of a URL, or a topic of
// Amazon SNS. Each is one alert source and nothing else; and no secret, key or topic may be of two clients.
import type { ClientConfig } from "../config.ts";
import { limits } from "../limits.ts";
import { type Finding, finding, isTable, type Path } from "./problem.ts";
import type { ClientSection } from "./schema.ts";

type Client = Partial<ClientSection>;

function scopeFindings(name: string, { scopes }: Client, why: string): Finding[] {
  if (scopes === undefined || (new Set(scopes).size === 1 && scopes[0]?.startsWith("alert:") === true)) return [];
  const held = `has the scopes ${scopes.join(", ")}, and ${why}`;
  return [finding(["clients", name, "scopes"], held, "write exactly one, an alert source: `scopes: [alert:generic]`")];
}

/** As for blacklistip: what stands in a URL stands in logs. */
function pathKeyFindings(name: string, client: Client, written: unknown): Finding[] {
  if (client.pathKeys === undefined || client.pathKeys.length === 0) return [];
  const path: Path = ["clients", name];
  const why = "its secret travels in a URL (pathKeys)";
  const findings = scopeFindings(name, client, why);
  // As it is written: a list that cannot be read is named elsewhere.
  if (!isTable(written) || !Object.hasOwn(written, "from"))
    findings.push(finding(path, `has no \`from\`, and ${why}`, "add `from: […]` with the sender's own addresses", "key"));
  if (client.widest !== undefined && (client.widest.ipv4 < 32 || client.widest.ipv6 < 64))
    findings.push(finding([...path, "widest"], `wider than a host, and ${why}`, "write { ipv4: 32, ipv6: 64 }, or leave it out"));
  if (client.longest !== undefined && client.longest > limits.pathKeyLongestMs)
    findings.push(finding([...path, "longest"], `longer than 1h, and ${why}`, "write `longest: 1h` or less"));
  return findings;
}

function snsFindings(name: string, client: Client): Finding[] {
  return client.sns === undefined ? [] : scopeFindings(name, client, "a topic of SNS is one alert source (sns)");
}

interface Held {
  readonly name: string;
  readonly path: Path;
  readonly credential: string;
}

/** Every credential that stands in one list of each client; `list`: where, below the client. */
export function heldIn(clients: Readonly<Record<string, Client>>, list: Path, listOf: (client: Client) => readonly string[] | undefined): readonly Held[] {
  return Object.entries(clients).flatMap(([name, client]) =>
    (listOf(client) ?? []).map((credential, index) => ({ name, path: ["clients", name, ...list, index], credential })),
  );
}

/** What is held twice, in any of these places: nobody could say who did what. */
export function twice(held: readonly Held[], what: string): Finding[] {
  const seen = new Map<string, string>();
  return held.flatMap(({ name, path, credential }) => {
    const holder = seen.get(credential);
    seen.set(credential, holder ?? name);
    return holder === undefined
      ? []
      : [finding(path, `the same ${what} as ${holder === name ? "above" : `client ${holder}`}`, `give every client a ${what} of its own`)];
  });
}

/** A path secret that is a key as well would open with `from` and an hour what it is to be kept away from. */
function sharedFindings(clients: Readonly<Record<string, Client>>): Finding[] {
  const topics = heldIn(clients, ["sns", "topics"], ({ sns }) => sns?.topics);
  const keys = new Map(heldIn(clients, ["keys"], (client) => client.keys).map(({ name, credential }) => [credential, name]));
  const pathKeys = heldIn(clients, ["pathKeys"], (client) => client.pathKeys);
  const alsoKeys = pathKeys.flatMap(({ path, credential }) => {
    const holder = keys.get(credential);
    return holder === undefined ? [] : [finding(path, `is a key of client ${holder} as well`, "make a secret of its own with `portcullis key NAME --path`")];
  });
  return [...twice(pathKeys, "path secret"), ...alsoKeys, ...twice(topics, "topic")];
}

/** `written`: the clients as they stand in the file. */
export function senderFindings(clients: Readonly<Record<string, Client>>, written: Readonly<Record<string, unknown>>): Finding[] {
  const own = Object.entries(clients).flatMap(([name, client]) => [...pathKeyFindings(name, client, written[name]), ...snsFindings(name, client)]);
  return [...own, ...sharedFindings(clients)];
}

/** Absent where not written, so that a configuration without them is emitted as ever. */
export function emittedSenders({ pathKeys, sns }: ClientSection): Pick<ClientConfig, "pathKeys" | "sns"> {
  return {
    ...(pathKeys.length === 0 ? {} : { pathKeys: pathKeys.map((key) => key.slice("sha256:".length)) }),
    ...(sns === undefined ? {} : { sns: { topics: [...new Set(sns.topics)], sha1: sns.sha1 } }),
  };
}
