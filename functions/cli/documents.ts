// The committed files that are generated from the code: the schemas for editors, the API description, the table of the log, the providers' table.
import { join } from "node:path";
import { presetNames } from "../../shared/protect/index.ts";
import { openapiDocument } from "../routes/openapi-document.ts";
import { definitionsOf, type FoundKind } from "./definitions.ts";
import { editorSchema } from "./editor-schema.ts";
import { playbookSchema } from "./playbook-schema.ts";
import { renderLog } from "./render-log.ts";
import { renderMatrix } from "./render-providers.ts";

export interface CommittedFile {
  readonly path: string;
  readonly text: string;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

export function committedFiles(kinds: Readonly<Record<string, FoundKind>>, root: string): readonly CommittedFile[] {
  const definitions = definitionsOf(kinds);
  return [
    { path: join(root, "portcullis.schema.json"), text: json(editorSchema(definitions, presetNames)) },
    { path: join(root, "playbook.schema.json"), text: json(playbookSchema()) },
    { path: join(root, "functions/openapi.json"), text: json(openapiDocument()) },
    { path: join(root, "functions/log/README.md"), text: renderLog() },
    { path: join(root, "providers/README.md"), text: renderMatrix(Object.values(definitions)) },
  ];
}
