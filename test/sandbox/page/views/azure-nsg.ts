// A simulated network security group as the Azure portal lists it: inbound and outbound security rules by priority, the
// default rules last.

import { defaultDocuments } from "../../../simulators/azure/documents.ts";
import type { SimulatedNsg } from "../../../simulators/azure/nsg.ts";
import type { Rule, RuleProperties } from "../../../simulators/azure/rules.ts";
import type { AzureSimulator } from "../../../simulators/azure.ts";
import { type ConsoleRow, type ConsoleTable, type ConsoleView, main, minor, type WatchedFirewall } from "../console-view.ts";
import { watchByLooking } from "../differences.ts";

export interface WatchedNsg {
  readonly target: string;
  readonly nsg: string;
  /** Names of the rules that `setup` claimed. */
  readonly rules: readonly string[];
}

/** Operations end without a word, when their time has come. */
const lookEveryMs = 250;

/** One value as the portal shows it, several as a count. */
function valueText(one: string | undefined, many: readonly string[], what: string): string {
  if (many.length === 0) return one === undefined || one === "*" ? "Any" : one;
  return many.length === 1 ? (many[0] ?? "") : `${many.length} ${what}`;
}

function rowOf({ name, properties }: Rule, watched: WatchedNsg, kind: "rule" | "default"): ConsoleRow {
  const ours = watched.rules.some((rule) => rule.toLowerCase() === name.toLowerCase());
  const { sourceAddressPrefix, sourceAddressPrefixes, destinationAddressPrefix, destinationAddressPrefixes, protocol, provisioningState } = properties;
  const working = provisioningState === "Succeeded" ? null : provisioningState.toLowerCase();
  return {
    id: name,
    name: `rule ${name}`,
    cells: [
      String(properties.priority),
      name,
      valueText(properties.destinationPortRange, properties.destinationPortRanges, "ports"),
      protocol === "*" ? "Any" : protocol,
      valueText(sourceAddressPrefix, sourceAddressPrefixes, "addresses"),
      valueText(destinationAddressPrefix, destinationAddressPrefixes, "addresses"),
      properties.access,
    ],
    ours,
    cidrs: ours ? [...sourceAddressPrefixes, ...(sourceAddressPrefixes.length === 0 && sourceAddressPrefix ? [sourceAddressPrefix] : [])] : [],
    note: ours ? working : kind === "default" ? "Azure's default" : "a person's",
  };
}

function tableOf(nsg: SimulatedNsg, direction: RuleProperties["direction"], watched: WatchedNsg): ConsoleTable {
  const { state } = nsg;
  const defaults = defaultDocuments(nsg, state).map((document) => document as unknown as Rule);
  const here = ({ properties }: Rule) => properties.direction === direction;
  const rules = state.rules.filter(here).toSorted((a, b) => a.properties.priority - b.properties.priority);
  return {
    caption: `${direction} security rules`,
    display: direction === "Inbound" ? "open" : "folded",
    columns: [main("Priority", 8), main("Name", 22), minor("Port", 8), minor("Protocol", 8), main("Source", 16), minor("Destination", 14), minor("Action", 7)],
    rows: [...rules.map((rule) => rowOf(rule, watched, "rule")), ...defaults.filter(here).map((rule) => rowOf(rule, watched, "default"))],
  };
}

export function nsgView(nsg: SimulatedNsg, watched: WatchedNsg): ConsoleView {
  return {
    kind: "azure-nsg",
    place: ["Azure", "Network security groups", nsg.resourceGroup],
    title: nsg.name,
    tables: [tableOf(nsg, "Inbound", watched), tableOf(nsg, "Outbound", watched)],
  };
}

export function watchNsg(azure: AzureSimulator, watched: WatchedNsg): WatchedFirewall {
  const view = () => nsgView(azure.group(watched.nsg), watched);
  return {
    target: watched.target,
    view,
    onHappening(listener) {
      const looking = watchByLooking(view, listener, lookEveryMs);
      // After the change is made: the simulator tells from the midst of it.
      const stopListening = azure.onChange(() => queueMicrotask(looking.look));
      return () => {
        stopListening();
        looking.stop();
      };
    },
  };
}
