// What an entry of ours says of itself in the free text that Cloudflare keeps beside it. Pure.

const mark = "portcullis";

/** Nothing that changes stands in it: where the text can be changed at all, that is a call of its own. */
export function markOf(storeId: string | null): string {
  return storeId === null ? mark : `${mark}:${storeId}`;
}

/** Any store's mark: which store a place belongs to is written in its claim. */
export function isOurMark(text: string | null | undefined): boolean {
  return text === mark || text?.startsWith(`${mark}:`) === true;
}

/** A store id as it is written into a claim. */
export const storeIdPattern = /^[\w.:/=+@-]{1,256}$/;
export const storeIdWords = "the store id must be 1 to 256 characters of letters, digits and _.:/=+@-";
