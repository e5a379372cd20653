// What a simulated firewall shows of itself: its rules as its cloud's own console lists them, and what happens to them.
// One adapter per kind in `views/` makes these; the page knows nothing else of a cloud. Data only.

export interface ConsoleColumn {
  readonly name: string;
  /** `minor`: may be left out on a narrow screen. */
  readonly weight: "main" | "minor";
  /** Characters to make room for, so that the columns of a panel's tables stand in line. */
  readonly widthChars: number;
}

export interface ConsoleRow {
  /** The same for the same rule over time. */
  readonly id: string;
  /** What to call it in a line, such as `rule 1`. */
  readonly name: string;
  /** One text per column. */
  readonly cells: readonly string[];
  readonly ours: boolean;
  /** What of ours the row blocks (CIDR texts); empty for foreign rows. */
  readonly cidrs: readonly string[];
  /** Whose a foreign row is, or what is special about one of ours. */
  readonly note: string | null;
}

export interface ConsoleTable {
  readonly caption: string;
  /** `folded`: of less interest, behind its caption until asked for. */
  readonly display: "open" | "folded";
  readonly columns: readonly ConsoleColumn[];
  readonly rows: readonly ConsoleRow[];
}

export interface ConsoleView {
  readonly kind: string;
  /** Where one would find this in the cloud's console. */
  readonly place: readonly string[];
  readonly title: string;
  readonly tables: readonly ConsoleTable[];
}

/** `asks`: somebody at the door. `refused`: the door or the cloud said no. */
export const tones = ["appears", "changed", "gone", "asks", "refused", "note"] as const;
export type Tone = (typeof tones)[number];

export interface Happening {
  readonly tone: Tone;
  /** A line for a person, without the time and the target. */
  readonly text: string;
}

/** One firewall of the sandbox, to be looked at. */
export interface WatchedFirewall {
  /** Name of the target in the configuration. */
  readonly target: string;
  view(): ConsoleView;
  /** Tells what happens from now on; call the result to stop. */
  onHappening(listener: (happening: Happening) => void): () => void;
}

export const main = (name: string, widthChars: number): ConsoleColumn => ({ name, weight: "main", widthChars });
export const minor = (name: string, widthChars: number): ConsoleColumn => ({ name, weight: "minor", widthChars });
