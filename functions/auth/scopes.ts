// Decides whether an authenticated client may use a route from where it calls. Scopes are explicit: none implies another,
// `admin` included. Refuses to authenticate (that is `authenticate.ts`).
import { type Cidr, CidrSet, cidrOf, displayCidr, isHost, parseCidr } from "../../shared/address/index.ts";
import type { ClientConfig, Scope } from "../../shared/config.ts";
import { PortcullisError } from "../../shared/errors.ts";

/** The caller's address as the platform tells it; null when it does not, or when it is no single address: a range would be in every `from`. */
export function callerAddress(text: string | null): Cidr | null {
  if (text === null) return null;
  const parsed = parseCidr(text);
  return parsed.ok && isHost(parsed.value) ? parsed.value : null;
}

/** Null when allowed; otherwise FORBIDDEN that names the scope or the `from` list. */
export function refuseAccess(name: string, client: ClientConfig, scope: Scope, remote: Cidr | null): PortcullisError | null {
  if (!client.scopes.includes(scope)) {
    const held = client.scopes.join(", ") || "none";
    return new PortcullisError(
      "FORBIDDEN",
      `Client ${name} lacks the scope ${scope}; it has ${held}. Add it to clients.${name}.scopes, or use another client.`,
      {
        facts: { scope },
      },
    );
  }
  return refuseOrigin(name, client, remote);
}

function refuseOrigin(name: string, client: ClientConfig, remote: Cidr | null): PortcullisError | null {
  if (client.from === null) return null;
  const context = { facts: { limit: "from" } };
  if (remote === null) {
    return new PortcullisError("FORBIDDEN", `Client ${name} may only call from its \`from\` ranges, and the caller's address is not known here.`, context);
  }
  const allowed = new CidrSet(client.from.map((text) => ({ cidr: cidrOf(text), label: text })));
  if (allowed.overlapping(remote) !== null) return null;
  return new PortcullisError("FORBIDDEN", `Client ${name} may not call from ${displayCidr(remote)}; add it to clients.${name}.from if it should.`, context);
}
