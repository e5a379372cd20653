// What a preset is: dated data about addresses that must never be blocked, and where the data comes from.

/** Blocks that share one reason. */
export interface PresetGroup {
  readonly note: string;
  /** CIDRs in canonical text, separated by one blank: compact, because presets travel in the bundle. */
  readonly cidrs: string;
}

export interface Preset {
  readonly name: string;
  readonly title: string;
  readonly origin: string;
  /** ISO date: of the list for `listing`; of the day they were compared with what `origin` names, otherwise. */
  readonly checked: string;
  /** `listing`: taken from a published list; `documentation`: from copies of the vendors' pages; `general knowledge`: neither was at hand. */
  readonly evidence: "listing" | "documentation" | "general knowledge";
  readonly groups: readonly PresetGroup[];
}
