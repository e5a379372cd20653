// Laws of what the ways in without our credentials need of a runtime: RSA signatures under both hashes, keys out of a certificate, gzip
// within a bound. The messages were signed by another tool (`test/data/sns/`), so that no mistake of ours agrees with itself.
import { createSnsDoor, type SnsDoor } from "../../functions/auth/sns.ts";
import { unpackGzip } from "../../functions/routes/unpack.ts";
import type { Config } from "../../shared/config.ts";
import type { LogRecord } from "../../shared/ports.ts";
import fixture from "../data/sns/signed.json" with { type: "json" };
import type { Law } from "./law.ts";
import { must, mustEqual } from "./must.ts";

const nowMs = Date.UTC(2026, 11, 1, 10, 6, 0);
const topics = ["arn:aws:sns:eu-west-1:123456789012:guardduty"];

function door(logged: LogRecord[]): SnsDoor {
  const config = { clients: { guardduty: { sns: { topics, sha1: true } } } } as unknown as Config;
  return createSnsDoor({ config, log: (record) => logged.push(record), askSns: async () => ({ status: 200, headers: {}, body: fixture.certificate }) });
}

async function packed(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

export const senderLaws: readonly Law<null>[] = [
  {
    name: "sns: what another tool signed is verified, under either version and of either type",
    run: async () => {
      for (const message of fixture.messages) {
        const logged: LogRecord[] = [];
        const found = await door(logged).authenticate(message, nowMs);
        mustEqual([found?.caller.name, found?.message.type, logged], ["guardduty", message.Type, []], message.MessageId);
      }
    },
  },
  {
    name: "sns: the same with one character changed is not",
    run: async () => {
      for (const message of fixture.messages) {
        const changed = [
          { ...message, Message: `${message.Message} ` },
          { ...message, MessageId: `${message.MessageId}0` },
          { ...message, SignatureVersion: message.SignatureVersion === "1" ? "2" : "1" },
        ];
        for (const each of changed) mustEqual(await door([]).authenticate(each, nowMs), null, JSON.stringify(each));
      }
    },
  },
  {
    name: "gzip: what was packed comes out, and what would be more than the bound does not",
    run: async () => {
      const bytes = new TextEncoder().encode("ab".repeat(50_000));
      const small = await unpackGzip(await packed(bytes), bytes.length);
      must(small.ok, "an honest one was not unpacked");
      mustEqual(new TextDecoder().decode(small.bytes), new TextDecoder().decode(bytes), "unpacked");
      mustEqual(await unpackGzip(await packed(bytes), bytes.length - 1), { ok: false, why: "too large" }, "one byte more");
      mustEqual(await unpackGzip(await packed(new Uint8Array(32 * 1024 * 1024)), 1_000), { ok: false, why: "too large" }, "a bomb");
    },
  },
  {
    name: "gzip: what is none, or ends too early, is said to be none",
    run: async () => {
      const whole = await packed(new TextEncoder().encode("something"));
      for (const bytes of [new Uint8Array(), new Uint8Array([0x1f, 0x8b]), whole.slice(0, whole.length - 3), new TextEncoder().encode("{}")])
        mustEqual(await unpackGzip(bytes, 1_000), { ok: false, why: "not gzip" }, `${bytes.length} bytes`);
    },
  },
];
