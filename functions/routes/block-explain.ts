// GET /v1/blocks/{ip}: everything known about one address: why it is blocked, why not, where, and whether it ever can be.
import { cidrKey, displayCidr, parseCidr } from "../../shared/address/index.ts";
import { PortcullisError } from "../../shared/errors.ts";
import type { EpochMs } from "../../shared/ports.ts";
import { widened } from "../../shared/request/judge.ts";
import type { Explanation, SettledItem } from "../coordinator/contract.ts";
import { jsonResponse, keyText, timeText } from "./answer.ts";
import type { Call, GuardedRoute } from "./call.ts";
import { decodedPart } from "./path.ts";
import { problemResponse } from "./problem.ts";

interface Protected {
  readonly range: string;
  readonly source: string;
}

function shownBlock(item: SettledItem): Record<string, unknown> {
  return { ip: keyText(item.key), until: timeText(item.until), targets: item.states };
}

/** Names of targets where the address is stopped now, and of those where it is leased and is not. */
function whereabouts(explanation: Explanation): { readonly stopped: readonly string[]; readonly open: readonly string[] } {
  const stopped = new Set<string>();
  const all = new Set<string>();
  for (const item of [explanation.exact, ...explanation.wider]) {
    for (const [target, { state }] of Object.entries(item?.states ?? {})) {
      all.add(target);
      if (state === "enforced" || state === "covered") stopped.add(target);
    }
  }
  return { stopped: [...stopped], open: [...all].filter((target) => !stopped.has(target)) };
}

/** One sentence for a person in a hurry; the rest of the answer is the evidence. */
function verdict(explanation: Explanation, protectedBy: Protected | null, now: EpochMs): string {
  if (protectedBy !== null) return `never blocked: it touches ${protectedBy.range}, protected by ${protectedBy.source}`;
  const exempt = explanation.exemptions.find((exemption) => exemption.until > now);
  const exemption = exempt === undefined ? "" : `; new blocks are refused until ${timeText(exempt.until)}, because ${keyText(exempt.key)} is exempt`;
  if (explanation.asOf <= 0) return "not known yet: no pass has reported";
  if (explanation.exact === null && explanation.wider.length === 0) {
    const inside =
      explanation.narrower.length === 0
        ? ""
        : `, though ${explanation.narrower.length} narrower ${explanation.narrower.length === 1 ? "block is" : "blocks are"} inside it`;
    return `not blocked: there is no live lease on it${inside}${exemption}`;
  }
  const { stopped, open } = whereabouts(explanation);
  const missing = open.length === 0 ? "" : `, and not at ${open.join(", ")} (see targets for why)`;
  return stopped.length === 0 ? `leased and not enforced anywhere${missing}${exemption}` : `blocked at ${stopped.join(", ")}${missing}${exemption}`;
}

async function explain(text: string, call: Call): Promise<Response> {
  const asked = parseCidr(text);
  if (!asked.ok) return problemResponse(asked.error);
  const { cidr, adjustments } = widened(asked.value, call.deps.config);
  const explanation = await call.coordinator.explain(cidrKey(cidr));
  const protectedBy = call.deps.protection.find(cidr);
  return jsonResponse(200, {
    ip: displayCidr(cidr),
    asked: displayCidr(asked.value),
    ...(adjustments.length === 0 ? {} : { adjustments }),
    verdict: verdict(explanation, protectedBy, call.now),
    asOf: timeText(explanation.asOf),
    protected: protectedBy,
    block: explanation.exact === null ? null : shownBlock(explanation.exact),
    leases: explanation.leases.map((lease) => ({ ...lease, at: timeText(lease.at), until: timeText(lease.until) })),
    wider: explanation.wider.map(shownBlock),
    narrower: explanation.narrower.map(shownBlock),
    exemptions: explanation.exemptions.map((exemption) => ({ ip: keyText(exemption.key), until: timeText(exemption.until) })),
  });
}

export const explainBlock: GuardedRoute = {
  method: "GET",
  path: "/v1/blocks/:ip{.+}",
  access: "read",
  operation: null,
  async handle(call) {
    const text = decodedPart(call.url.pathname, "/v1/blocks/", "");
    if (text !== null) return explain(text, call);
    const message = "The address in the path cannot be read; write it as in /v1/blocks/203.0.113.7 or /v1/blocks/203.0.113.0/24.";
    return problemResponse(new PortcullisError("INVALID_INPUT", message, { field: "ip" }));
  },
};
