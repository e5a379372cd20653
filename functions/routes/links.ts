// Links by which a person agrees to what a playbook would do: made here, for those who may see them, and looked at here when one comes back.
import { type Approval, questionsOf } from "../../shared/event/approval.ts";
import type { EventRecord } from "../../shared/event/record.ts";
import { linkKey, readLink, signLink } from "../auth/link.ts";
import { timeText } from "./answer.ts";
import type { AppDeps } from "./call.ts";

export const approvePrefix = "/v1/approve/";

/** Null where links are not configured, or their secret is not usable; that is logged. */
async function keyOf({ config, secrets, log }: AppDeps): Promise<CryptoKey | null> {
  const { approvals } = config;
  if (approvals === undefined) return null;
  const secret = await secrets(approvals.secret);
  const key = secret === undefined ? null : await linkKey(secret);
  if (key === null) log({ level: "error", event: "approvals.secret_unusable", secret: approvals.secret });
  return key;
}

/** From the configured address, never from what a request says of itself: that would lead a person elsewhere. */
async function linkFor(deps: AppDeps, key: CryptoKey, approval: Approval): Promise<string> {
  return `${deps.config.approvals?.url ?? ""}${approvePrefix}${await signLink(key, approval)}`;
}

/** What waits for a person's word, as an operator is shown it. */
export async function shownQuestions(deps: AppDeps, record: EventRecord): Promise<readonly Record<string, unknown>[]> {
  const questions = questionsOf(record);
  const key = questions.length === 0 ? null : await keyOf(deps);
  return Promise.all(
    questions.map(async ({ playbook, ...approval }) => ({
      playbook,
      until: timeText(approval.until),
      link: key === null ? null : await linkFor(deps, key, approval),
    })),
  );
}

export interface Asked extends Approval {
  readonly playbook: string;
  readonly client: string;
}

/** Writes the line that a person is to be told by: whoever reads the log may agree. */
export async function tellQuestions(deps: AppDeps, asked: readonly Asked[]): Promise<void> {
  const key = asked.length === 0 ? null : await keyOf(deps);
  for (const { playbook, client, ...approval } of asked) {
    const link = key === null ? null : await linkFor(deps, key, approval);
    deps.log({ level: "warn", event: "event.asking", id: approval.id, client, playbook, until: timeText(approval.until), link });
  }
}

/** What a link that came back is for; null when it is none of ours. */
export async function approvalOf(deps: AppDeps, text: string): Promise<Approval | null> {
  const key = await keyOf(deps);
  return key === null ? null : readLink(key, text);
}
