// What each answer of ours must carry, wherever it comes from. Pure: an answer goes in, sentences come out.

/** Directives to their sources. */
function policyOf(text: string): ReadonlyMap<string, readonly string[]> {
  const directives = text.split(";").map((part) => part.trim().split(/\s+/));
  return new Map(directives.map(([name = "", ...sources]) => [name.toLowerCase(), sources]));
}

/** Anything that lets text run, or anybody in: only 'none' and 'self' are left. */
function policyFaults(text: string): string[] {
  const policy = policyOf(text);
  const faults: string[] = [];
  for (const [directive, sources] of policy) {
    if (directive === "require-trusted-types-for" || directive === "trusted-types") continue;
    for (const source of sources) if (source !== "'none'" && source !== "'self'") faults.push(`content-security-policy allows ${source} in ${directive}`);
  }
  if (policy.get("default-src")?.join(" ") !== "'none'") faults.push("content-security-policy has no default-src 'none'");
  if (policy.get("frame-ancestors")?.join(" ") !== "'none'") faults.push("content-security-policy has no frame-ancestors 'none'");
  return faults;
}

function cacheFaults(status: number, headers: Headers): readonly string[] {
  const cache = headers.get("cache-control") ?? "";
  // The feed may be asked for again by its ETag, by the one who holds the key.
  const isFeed = headers.has("etag") && (status === 200 || status === 304);
  return cache === "no-store" || (isFeed && cache === "private, no-cache") ? [] : [`cache-control is "${cache}"`];
}

function shapeFaults(headers: Headers, body: string): string[] {
  const faults: string[] = [];
  const type = headers.get("content-type");
  if (body !== "" && type === null) faults.push("a body without a content-type");
  for (const name of ["access-control-allow-origin", "set-cookie", "server", "x-powered-by", "location"]) {
    if (headers.has(name)) faults.push(`${name} is sent: ${headers.get(name)}`);
  }
  return faults;
}

/** What is wrong with an answer; nothing for a right one. `html`: this place may serve a page of its own. */
export function securityFaults(status: number, headers: Headers, body: string, place: { readonly html: boolean } = { html: false }): readonly string[] {
  const faults = [...policyFaults(headers.get("content-security-policy") ?? ""), ...cacheFaults(status, headers), ...shapeFaults(headers, body)];
  if (headers.get("x-content-type-options") !== "nosniff") faults.push("x-content-type-options is not nosniff");
  if (headers.get("referrer-policy") !== "no-referrer") faults.push("referrer-policy is not no-referrer");
  if (!place.html && /html|xml|javascript|svg/.test(headers.get("content-type") ?? "")) faults.push(`content-type is ${headers.get("content-type")}`);
  return faults.map((fault) => `${status}: ${fault}`);
}
