// Signature Version 4 over one request, with the product's clock. Owns what is signed; refuses to send.
import { AwsV4Signer } from "aws4fetch";
import type { EpochMs, HttpRequest } from "../../../shared/ports.ts";

export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | null;
}

export interface Unsigned {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export async function signedRequest(unsigned: Unsigned, keys: AwsKeys, scope: { readonly service: string; readonly region: string }, nowMs: EpochMs) {
  const signer = new AwsV4Signer({
    method: "POST",
    ...unsigned,
    headers: { ...unsigned.headers },
    accessKeyId: keys.accessKeyId,
    secretAccessKey: keys.secretAccessKey,
    ...(keys.sessionToken === null ? {} : { sessionToken: keys.sessionToken }),
    ...scope,
    // Never the signer's own clock: the product has one.
    datetime: new Date(nowMs).toISOString().replace(/[:-]|\.\d{3}/g, ""),
  });
  const request = await signer.sign();
  const signed: HttpRequest = { method: "POST", url: request.url.toString(), headers: Object.fromEntries(request.headers), body: unsigned.body };
  return signed;
}
