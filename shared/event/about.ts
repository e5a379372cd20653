// What an event says, asked in one way by all who act on it: whom it must not hurt, and what to call it. Pure.
import { type Cidr, overlaps, parseCidr } from "../address/index.ts";
import type { DetectionEvent } from "./event.ts";

/**
 * Gives an address of ours that the event names as attacked and that a block would hold; null: it holds none. To be asked of the final block: blocks are
 * wider than an IPv6 address, and whoever sits beside ours is not blocked at the price of ours. What cannot be read as an address is held by none.
 */
export function attackedIn({ victim }: Pick<DetectionEvent, "victim">): (block: Cidr) => Cidr | null {
  const attacked = victim.addresses.flatMap((text) => {
    const parsed = parseCidr(text);
    return parsed.ok ? [parsed.value] : [];
  });
  return (block) => attacked.find((one) => overlaps(one, block)) ?? null;
}

/** The source's own name for it, and its title where that says more. */
export function nameOf({ type, title }: Pick<DetectionEvent, "type" | "title">): string {
  return title === type ? type : `${type}: ${title}`;
}
