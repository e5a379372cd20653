// autocannon, with each request made at the moment it is sent and each answer handed back with the request it belongs to.
// Ends by itself: with the number of requests, or at the deadline, whichever comes first.
import { createRequire } from "node:module";

interface CannonRequest {
  method: string;
  path: string;
  headers: Readonly<Record<string, string>>;
  body?: string;
}

type Context = Record<string, unknown>;

interface CannonResult {
  readonly duration: number;
  readonly errors: number;
  readonly timeouts: number;
  readonly non2xx: number;
  readonly requests: { readonly average: number; readonly total: number; readonly sent: number };
  readonly latency: { readonly p50: number; readonly p99: number; readonly max: number };
}

interface Instance extends PromiseLike<CannonResult> {
  stop(): void;
}

/** The part of its API that is used (autocannon 9.0.0, which brings no types). */
const autocannon = createRequire(import.meta.url)("autocannon") as (options: {
  readonly url: string;
  readonly connections: number;
  readonly amount: number;
  readonly overallRate: number;
  readonly timeout: number;
  readonly requests: readonly {
    setupRequest(request: CannonRequest, context: Context): CannonRequest;
    onResponse(status: number, body: string, context: Context, headers: Readonly<Record<string, string>>): void;
  }[];
}) => Instance;

export interface Outgoing {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Fire<T extends Outgoing> {
  readonly url: string;
  readonly connections: number;
  readonly perSecond: number;
  readonly seconds: number;
  readonly next: () => T;
  readonly answered: (sent: T, status: number, body: string, headers: Headers) => void;
  /** Aborted: stop now. */
  readonly signal: AbortSignal;
}

export interface Fired {
  readonly sent: number;
  readonly answered: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly mostMs: number;
  readonly errors: number;
}

/** A machine that is busy with other things takes longer; whoever needs twice the time is asked for too much. */
const graceSeconds = (seconds: number) => Math.max(30, seconds);

export async function fire<T extends Outgoing>({ url, connections, perSecond, seconds, next, answered, signal }: Fire<T>): Promise<Fired> {
  const counts = { sent: 0, answered: 0 };
  // Its shares are per connection; a number that divides evenly keeps all of them at it until the end.
  const amount = Math.ceil((perSecond * seconds) / connections) * connections;
  const instance = autocannon({
    url,
    connections,
    amount,
    overallRate: perSecond,
    timeout: 20,
    requests: [
      {
        setupRequest(request, context) {
          const sent = next();
          counts.sent += 1;
          context.sent = sent;
          const { method, path, headers, body } = sent;
          // What it was made of before must not stay: headers of another credential, a body on a GET.
          return { ...request, method, path, headers: { ...headers }, body: body ?? "" };
        },
        onResponse(status, body, context, headers) {
          counts.answered += 1;
          answered(context.sent as T, status, body, new Headers(headers));
        },
      },
    ],
  });
  const stop = (): void => instance.stop();
  const deadline = setTimeout(stop, (seconds + graceSeconds(seconds)) * 1_000);
  signal.addEventListener("abort", stop, { once: true });
  try {
    const { duration, errors, latency } = await instance;
    const { p50: p50Ms, p99: p99Ms, max: mostMs } = latency;
    return { ...counts, perSecond: counts.answered / Math.max(1, duration), p50Ms, p99Ms, mostMs, errors };
  } finally {
    clearTimeout(deadline);
    signal.removeEventListener("abort", stop);
  }
}
