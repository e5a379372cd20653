// A refusal by the simulated cloud: ARM's error document (azure-rest-api-specs network.json, CloudError) and Entra's (OAuth 2.0).

export interface AzureReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Thrown inside the simulator; becomes ARM's error document. */
export class ArmRefusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly details: readonly { readonly code: string; readonly message: string }[];
  readonly retryAfterSeconds: number | null;
  constructor(status: number, code: string, message: string, more: Partial<Pick<ArmRefusal, "details" | "retryAfterSeconds">> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = more.details ?? [];
    this.retryAfterSeconds = more.retryAfterSeconds ?? null;
  }

  get document(): string {
    return JSON.stringify({ error: { code: this.code, message: this.message, details: this.details } });
  }
}

export class EntraRefusal extends Error {
  readonly status: number;
  readonly error: string;
  readonly code: number;
  constructor(status: number, error: string, code: number, message: string) {
    super(message);
    this.status = status;
    this.error = error;
    this.code = code;
  }

  get document(): string {
    return JSON.stringify({ error: this.error, error_description: `AADSTS${this.code}: ${this.message}`, error_codes: [this.code] });
  }
}
