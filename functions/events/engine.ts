// Makes a deployment's playbooks ready to be asked, and the desk that works their events off. Compiled in only where a configuration has playbooks:
// `functions/generated/playbooks.ts` names it then, and nothing else does.
import { type CompiledPlaybook, compilePlaybook, decide } from "../../shared/playbook/decide.ts";
import type { EngineMaker, PlaybookEngine } from "./contract.ts";
import { EventDesk } from "./desk.ts";
import { eventPages } from "./pages.ts";

export const playbookEngine: EngineMaker = (playbooks) => {
  const byName = new Map(playbooks.map((playbook) => [playbook.name, playbook]));
  let compiled: readonly CompiledPlaybook[] | null = null;
  const engine: PlaybookEngine = {
    decide(event, history) {
      // At the first event: it costs nothing at start-up.
      compiled ??= playbooks.map(compilePlaybook);
      return decide(event, compiled, history);
    },
    playbook: (name) => byName.get(name) ?? null,
    pages: eventPages,
    desk: (parts) => new EventDesk(parts, engine),
  };
  return engine;
};
