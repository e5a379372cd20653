// Finds the kinds of firewall there are: every folder of `providers/` whose `index.ts` exports a definition of that kind.
// Only for the generator and the CLI; the running product imports the kinds in use, from `functions/generated/providers.ts`.
import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { ProviderDefinition } from "../../shared/provider.ts";

export const repositoryRoot: string = resolve(import.meta.dirname, "../..");

export interface FoundKind {
  readonly definition: ProviderDefinition;
  /** Name under which `providers/<kind>/index.ts` exports it. */
  readonly exportName: string;
}

function isDefinition(value: unknown, kind: string): value is ProviderDefinition {
  return value !== null && typeof value === "object" && "kind" in value && value.kind === kind && "settings" in value && "create" in value;
}

/** Kind to definition, in alphabetical order. */
export async function findKinds(root: string = repositoryRoot): Promise<Readonly<Record<string, FoundKind>>> {
  const folder = join(root, "providers");
  const found: Record<string, FoundKind> = {};
  for (const kind of readdirSync(folder).sort()) {
    const index = join(folder, kind, "index.ts");
    if (kind === "internal" || !existsSync(index)) continue;
    const module = (await import(pathToFileURL(index).href)) as Readonly<Record<string, unknown>>;
    for (const [exportName, value] of Object.entries(module)) {
      if (isDefinition(value, kind)) found[kind] = { definition: value, exportName };
    }
  }
  return found;
}

export function definitionsOf(kinds: Readonly<Record<string, FoundKind>>): Readonly<Record<string, ProviderDefinition>> {
  return Object.fromEntries(Object.entries(kinds).map(([kind, { definition }]) => [kind, definition]));
}
