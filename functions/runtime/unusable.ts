// The answer of a deployment that cannot even begin: its configuration names what it does not have. The log says what; a stranger learns nothing.
import { PortcullisError } from "../../shared/errors.ts";
import type { Log } from "../../shared/ports.ts";
import { errorOf, problemResponse } from "../routes/problem.ts";

export function unusable(thrown: unknown, log: Log): Response {
  const error = errorOf(thrown);
  log({ level: "error", event: "deployment.unusable", code: error.code, message: error.code === "INVARIANT" ? String(thrown) : error.message });
  return problemResponse(new PortcullisError(error.code, "This deployment cannot work as it is; its log says why."));
}
