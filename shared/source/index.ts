// Every adapter by name. A source of the configuration without one, or the reverse, does not compile.

import type { AlertSource } from "../config.ts";
import { alertmanager } from "./alertmanager.ts";
import { awsWafLogs } from "./aws-waf-logs.ts";
import { cloudevents } from "./cloudevents.ts";
import { cloudflare } from "./cloudflare.ts";
import { crowdsec } from "./crowdsec.ts";
import { custodian } from "./custodian.ts";
import { falco } from "./falco.ts";
import { guardduty } from "./guardduty.ts";
import { macie } from "./macie.ts";
import { elastalert, generic } from "./mapped.ts";
import { securityhub } from "./securityhub.ts";
import type { SourceAdapter } from "./source.ts";
import { suricata } from "./suricata.ts";
import { wazuh } from "./wazuh.ts";

export type { IgnoredBecause, SourceAdapter, SourceEntry, SourceRules } from "./source.ts";

export const adapters: Readonly<Record<AlertSource, SourceAdapter>> = {
  alertmanager,
  "aws-waf-logs": awsWafLogs,
  cloudevents,
  cloudflare,
  crowdsec,
  custodian,
  elastalert,
  falco,
  generic,
  guardduty,
  macie,
  securityhub,
  suricata,
  wazuh,
};
