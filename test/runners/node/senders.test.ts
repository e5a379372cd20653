// What senders without our credentials need of Node: its Web Crypto and its streams.
import { describe, test } from "vitest";
import { senderLaws } from "../../conformance/sender-laws.ts";

describe("ways in without our credentials", () => {
  for (const law of senderLaws) test(law.name, () => law.run(null));
});
