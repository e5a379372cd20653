// Laws of what the ways in without our credentials need of a runtime: RSA signatures under both hashes, keys out of a certificate, gzip and zlib
// within a bound. The messages were signed by another tool (`test/data/sns/`), so that no mistake of ours agrees with itself.
import { createSnsDoor, type SnsDoor } from "../../functions/auth/sns.ts";
import { type Packing, unpack } from "../../functions/routes/unpack.ts";
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

const packings: readonly Packing[] = ["gzip", "deflate"];

async function packed(packing: Packing, bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream(packing));
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
  ...packings.flatMap((packing): readonly Law<null>[] => [
    {
      name: `${packing}: what was packed comes out, and what would be more than the bound does not`,
      run: async () => {
        const bytes = new TextEncoder().encode("ab".repeat(50_000));
        const small = await unpack(packing, await packed(packing, bytes), bytes.length);
        must(small.ok, "an honest one was not unpacked");
        mustEqual(new TextDecoder().decode(small.bytes), new TextDecoder().decode(bytes), "unpacked");
        mustEqual(await unpack(packing, await packed(packing, bytes), bytes.length - 1), { ok: false, why: "too large" }, "one byte more");
        mustEqual(await unpack(packing, await packed(packing, new Uint8Array(32 * 1024 * 1024)), 1_000), { ok: false, why: "too large" }, "a bomb");
      },
    },
    {
      name: `${packing}: what is none, ends too early or goes on after its end, is said to be none`,
      run: async () => {
        const whole = await packed(packing, new TextEncoder().encode("something"));
        const more = new Uint8Array([...whole, ...new TextEncoder().encode("{}")]);
        const cut = Array.from({ length: whole.length }, (_, at) => whole.slice(0, at));
        const none = [...cut, more, new TextEncoder().encode("{}")];
        for (const bytes of none) mustEqual(await unpack(packing, bytes, 1_000), { ok: false, why: `not ${packing}` }, `${bytes.length} bytes`);
      },
    },
  ]),
];
