// Stands in the Worker's bundle for the agents with which Azure's client would speak through an HTTP proxy (`alias` in wrangler.toml).
// A Worker has no such proxy, and requests go through the transport that we inject. Refuses to be used.

function refuse(): never {
  throw new Error("there are no HTTP proxies in a Worker; requests go through the injected transport");
}

export class HttpProxyAgent {
  constructor() {
    refuse();
  }
}

export class HttpsProxyAgent {
  constructor() {
    refuse();
  }
}
