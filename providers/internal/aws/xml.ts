// Reads the XML of EC2 and STS answers, everything as text. Refuses document types and leaves entities alone:
// no answer we use needs either, and both have been the way into parsers.
import { XMLParser } from "fast-xml-parser";

export type XmlNode = string | { readonly [name: string]: XmlNode | readonly XmlNode[] | undefined };

const parser = new XMLParser({
  ignoreAttributes: true,
  ignoreDeclaration: true,
  parseTagValue: false,
  processEntities: false,
  trimValues: true,
  isArray: (name: string) => name === "item",
});

/** The document's root element by name; null when the text is not well-formed XML with one root. */
export function readXml(text: string): { readonly name: string; readonly root: XmlNode } | null {
  if (text.includes("<!DOCTYPE")) return null;
  try {
    const roots = Object.entries(parser.parse(text, true) as Record<string, XmlNode>);
    const [first] = roots;
    return first === undefined || roots.length !== 1 ? null : { name: first[0], root: first[1] };
  } catch {
    return null;
  }
}

export function childOf(node: XmlNode | null, name: string): XmlNode | null {
  if (node === null || typeof node === "string" || !Object.hasOwn(node, name)) return null;
  const child = node[name];
  return child === undefined || Array.isArray(child) ? null : (child as XmlNode);
}

/** Text of a child element; null when there is no such element or it holds elements. */
export function textOf(node: XmlNode | null, name: string): string | null {
  const child = childOf(node, name);
  return typeof child === "string" ? child : null;
}

/** The `item` elements of a set; an empty or absent set has none. */
export function itemsOf(node: XmlNode | null, name: string): readonly XmlNode[] {
  const set = childOf(node, name);
  if (set === null || typeof set === "string") return [];
  const items = set.item;
  return Array.isArray(items) ? items : [];
}

const namedEntities: ReadonlyMap<string, string> = new Map([
  ["&lt;", "<"],
  ["&gt;", ">"],
  ["&quot;", '"'],
  ["&apos;", "'"],
  ["&amp;", "&"],
]);

/** Text for people: the five entities of XML itself, once, and nothing else. */
export function decodeText(text: string): string {
  return text.replace(/&(?:lt|gt|quot|apos|amp);/g, (entity) => namedEntities.get(entity) ?? entity);
}
