// What a session of an assumed role may do for this kind: read and write the target's IP sets, read its web ACL. `setup` needs no more.
import type { ProviderPorts } from "../../shared/provider.ts";
import { Credentials } from "../internal/aws/credentials.ts";
import { type AwsWafSettings, accountOf, setsOf } from "./config.ts";

export const kind = "aws-waf";

export const actionsOf = { sets: ["wafv2:GetIPSet", "wafv2:UpdateIPSet"], webAcl: "wafv2:GetWebACL" } as const;

/** Narrows whatever the role may do to this target (STS: the session has the intersection). */
export function sessionPolicy(settings: AwsWafSettings): string {
  const sets = { Effect: "Allow", Action: actionsOf.sets, Resource: setsOf(settings).map((set) => set.arn) };
  const webAcl = { Effect: "Allow", Action: actionsOf.webAcl, Resource: settings.webAcl };
  return JSON.stringify({ Version: "2012-10-17", Statement: [sets, webAcl] });
}

export function credentialsFor(settings: AwsWafSettings, ports: ProviderPorts): Credentials {
  return new Credentials(accountOf(settings), { kind, sessionPolicy: () => sessionPolicy(settings) }, ports);
}
