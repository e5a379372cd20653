// The committed files that are generated from the code: the schema for editors, the API description, the providers' table.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { presetNames } from "../../shared/protect/index.ts";
import type { ProviderDefinition } from "../../shared/provider.ts";
import { definitionsOf, type FoundKind } from "./definitions.ts";
import { editorSchema } from "./editor-schema.ts";

export interface CommittedFile {
  readonly path: string;
  readonly text: string;
}

type RenderMatrix = (definitions: readonly ProviderDefinition[]) => string;

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

async function providersTable(definitions: readonly ProviderDefinition[], root: string): Promise<string | null> {
  const path = join(root, "functions/cli/render-providers.ts");
  if (!existsSync(path)) return null;
  const { renderMatrix } = (await import(pathToFileURL(path).href)) as { readonly renderMatrix: RenderMatrix };
  return renderMatrix(definitions);
}

export async function committedFiles(kinds: Readonly<Record<string, FoundKind>>, root: string): Promise<readonly CommittedFile[]> {
  const definitions = definitionsOf(kinds);
  const files: CommittedFile[] = [{ path: join(root, "portcullis.schema.json"), text: json(editorSchema(definitions, presetNames)) }];
  const table = await providersTable(Object.values(definitions), root);
  if (table !== null) files.push({ path: join(root, "providers/README.md"), text: table });
  return files;
}
