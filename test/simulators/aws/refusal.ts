// A refusal by the simulated cloud, and the XML both services speak. Shapes: botocore parsers.py and service models, 2026-08-07.
export type AwsService = "ec2" | "sts";

export const namespaces = {
  ec2: "http://ec2.amazonaws.com/doc/2016-11-15/",
  sts: "https://sts.amazonaws.com/doc/2011-06-15/",
} as const satisfies Record<AwsService, string>;

/** Thrown inside the simulator; becomes the vendor's error document. */
export class AwsRefusal extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** One element: text is escaped, an array holds finished elements. */
export function element(name: string, content: string | number | boolean | readonly string[]): string {
  return `<${name}>${Array.isArray(content) ? content.join("") : escapeXml(String(content))}</${name}>`;
}

const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';

export function errorDocument(service: AwsService, refusal: AwsRefusal, requestId: string): string {
  const parts = [element("Code", refusal.code), element("Message", refusal.message)];
  if (service === "ec2") return declaration + element("Response", [element("Errors", [element("Error", parts)]), element("RequestID", requestId)]);
  const type = element("Type", refusal.status >= 500 ? "Receiver" : "Sender");
  return `${declaration}<ErrorResponse xmlns="${namespaces.sts}">${element("Error", [type, ...parts])}${element("RequestId", requestId)}</ErrorResponse>`;
}

export function successDocument(service: AwsService, action: string, content: readonly string[], requestId: string): string {
  const open = `${declaration}<${action}Response xmlns="${namespaces[service]}">`;
  if (service === "ec2") return `${open}${element("requestId", requestId)}${content.join("")}</${action}Response>`;
  return `${open}${element(`${action}Result`, content)}${element("ResponseMetadata", [element("RequestId", requestId)])}</${action}Response>`;
}
