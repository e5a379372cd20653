// A refusal by the simulated cloud, and the envelope that every answer comes in.

/** Thrown inside the simulator; becomes the vendor's error envelope. */
export class CloudflareRefusal extends Error {
  readonly status: number;
  readonly code: number;
  readonly retryAfterSeconds: number | null;
  constructor(status: number, code: number, message: string, retryAfterSeconds: number | null = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export interface Success {
  readonly result: unknown;
  readonly resultInfo?: unknown;
}

export function successBody(success: Success): string {
  const info = success.resultInfo === undefined ? {} : { result_info: success.resultInfo };
  return JSON.stringify({ success: true, errors: [], messages: [], result: success.result, ...info });
}

export function errorBody(refusal: CloudflareRefusal): string {
  return JSON.stringify({ success: false, errors: [{ code: refusal.code, message: refusal.message }], messages: [], result: null });
}

/** Keys must be known: the strictness by which a misspelt field does not pass. */
export function fields(body: unknown, allowed: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw new CloudflareRefusal(400, 10001, "the body is not a JSON object");
  const unknown = Object.keys(body).filter((key) => !allowed.includes(key));
  if (unknown.length > 0) throw new CloudflareRefusal(400, 10002, `unknown field: ${unknown.join(", ")}`);
  return body as Record<string, unknown>;
}

export function textField(value: unknown, name: string, most: number, byDefault?: string): string {
  if (value === undefined && byDefault !== undefined) return byDefault;
  if (typeof value !== "string" || value.length > most) throw new CloudflareRefusal(400, 10003, `${name} must be text of at most ${most} characters`);
  return value;
}
