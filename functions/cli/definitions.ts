// The kinds of firewall there are, with the name under which each kind's `index.ts` exports its definition.
// Only for the generator and the CLI; the running product imports the kinds in use, from `functions/generated/providers.ts`.
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { providerKinds, providerOf } from "../../providers/index.ts";
import type { ProviderDefinition } from "../../shared/provider.ts";

export const repositoryRoot: string = resolve(import.meta.dirname, "../..");

export interface FoundKind {
  readonly definition: ProviderDefinition;
  /** Name under which `providers/<kind>/index.ts` exports it. */
  readonly exportName: string;
}

/** Kind to definition, in alphabetical order. */
export async function findKinds(): Promise<Readonly<Record<string, FoundKind>>> {
  const found: Record<string, FoundKind> = {};
  for (const kind of providerKinds.toSorted()) {
    const definition = providerOf(kind);
    const module = (await import(pathToFileURL(join(repositoryRoot, "providers", kind, "index.ts")).href)) as Readonly<Record<string, unknown>>;
    const exportName = Object.keys(module).find((name) => module[name] === definition);
    if (definition === null || exportName === undefined)
      throw new Error(`providers/${kind}/index.ts does not export the definition that providers/index.ts lists`);
    found[kind] = { definition, exportName };
  }
  return found;
}

export function definitionsOf(kinds: Readonly<Record<string, FoundKind>>): Readonly<Record<string, ProviderDefinition>> {
  return Object.fromEntries(Object.entries(kinds).map(([kind, { definition }]) => [kind, definition]));
}
