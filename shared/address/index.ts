// The room that alone decides what a spelling of an address means, and the algebra of address blocks.
export {
  blockOf,
  type Cidr,
  cidrFromKey,
  cidrKey,
  cidrText,
  compareCidrs,
  contains,
  displayCidr,
  type Family,
  familyBits,
  isHost,
  overlaps,
  sameCidr,
  widenTo,
} from "./cidr.ts";
export { cidrOf, parseCidr } from "./parse.ts";
export { CidrIndex, CidrSet } from "./sets.ts";
export { isWholly } from "./wholly.ts";
