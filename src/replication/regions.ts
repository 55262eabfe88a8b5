// What is so in each region: the spec, the last status and what ARM showed, brought together into one state each.
// Pure; it decides nothing.
import type { RegionSpec, RegionState, RegionStatus, RegistryReplication } from '../api/registryreplication.ts';
import type { ArmError, Registry, Replica } from '../azure/arm.ts';
import { normalise } from './location.ts';
import type { Observed } from './observed.ts';

export interface Region {
  /** Normalised. */
  readonly location: string;
  /** What the spec says of it; undefined when it is not listed. */
  readonly asked: RegionSpec | undefined;
  readonly home: boolean;
  /** The replica that ARM shows there. */
  readonly replica: Replica | undefined;
  /** The replica's ARM name or, where there is none, the one it had, or would be made with. */
  readonly name: string;
  /** Whether a GET by id stands behind `replica` or its absence. */
  readonly confirmed: boolean;
  /** Why the GET by id gave no answer: then nothing may be done here. */
  readonly unseen: ArmError | undefined;
  /** What the status last said, unless that was about another registry of the same name. */
  readonly before: RegionStatus | undefined;
  readonly state: RegionState;
  /** ISO time at which the state was entered. */
  readonly since: string;
  /** Whether the region has been Ready since it was listed. */
  readonly readyOnce: boolean;
}

/**
 * For this long after a write of ours, ARM may still answer as if it had not happened: 404 after a PUT, Succeeded after a
 * DELETE (seen by Terraform's and Crossplane's providers, which wait for it too).
 */
const settling = 60_000;

/** The home region, and every region that the spec lists, ARM shows, or the status remembers. Listed ones first, in the spec's order. */
export function regionsOf(object: RegistryReplication, observed: Observed, now: Date): Region[] {
  const { registry } = observed;
  const home = registry && normalise(registry.location);
  const before = new Map(
    (isSameRegistry(object, registry) ? (object.status?.regions ?? []) : []).map((row) => [row.location, row]),
  );
  const asked = new Map(object.spec.regions.map((region) => [normalise(region.location), region]));
  const others = [...observed.sightings.keys(), ...before.keys()].sort();
  const locations = new Set([...asked.keys(), ...(home === undefined ? [] : [home]), ...others]);
  const taken = namesTaken(observed);

  return [...locations].map((location): Region => {
    const sighting = observed.sightings.get(location);
    const row = before.get(location);
    const name = sighting?.replica.name ?? nameFor(location, row?.replica, taken);
    const isHome = location === home;
    const isAsked = asked.get(location);
    const unseen = observed.unseen.get(name.toLowerCase());
    const state = stateOf({ replica: sighting?.replica, row, home: isHome, registry, unseen, now });
    const wasListed = row?.desired === true;
    return {
      location,
      asked: isAsked,
      home: isHome,
      replica: sighting?.replica,
      name,
      confirmed: sighting ? sighting.by === 'GET' : observed.missing.has(name.toLowerCase()),
      unseen,
      before: row,
      state,
      since: row?.state === state && row.since ? row.since : isoSeconds(now),
      readyOnce: isAsked !== undefined && ((wasListed && row.readyOnce === true) || state === 'Ready'),
    };
  });
}

/** Whether the region's replica is on its way somewhere: nothing is written to it until it has arrived. */
export function isInMotion({ state }: Region): boolean {
  return state === 'Creating' || state === 'Updating' || state === 'Deleting';
}

/**
 * Whether clients that come through the registry's global endpoint can be served here. The home region holds the content
 * from the start, so it serves as soon as it is provisioned; and while ACR has made no entry for it, it serves always.
 */
export function isServing({ replica, home, state }: Region): boolean {
  if (!replica) return home;
  if (state === 'Deleting' || !replica.routing || !says(replica.provisioningState, 'Succeeded')) return false;
  return home || says(replica.displayStatus, 'Ready');
}

/** Whether it rests on LIST alone that nothing is here, or that the state has changed to or from a verdict. */
export function isHearsay({ confirmed, unseen, replica, home, asked, before, state }: Region): boolean {
  if (confirmed || unseen) return false;
  // The home region may do without an entry, but not without one that was there, or whose routing or tags are asked for.
  if (!replica)
    return !home || before?.replica !== undefined || asked?.routing !== undefined || asked?.tags !== undefined;
  if (before?.state === state) return false;
  return state === 'Ready' || state === 'Failed' || before?.state === 'Ready';
}

/** ISO time to the second, as Kubernetes writes it. */
export function isoSeconds(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

/** A registry that was deleted and made again has the same id, but another creation date: nothing remembered holds for it. */
function isSameRegistry({ status }: RegistryReplication, registry: Registry | undefined): boolean {
  return registry !== undefined && status?.registry?.creationDate === registry.creationDate;
}

interface Evidence {
  replica: Replica | undefined;
  row: RegionStatus | undefined;
  home: boolean;
  registry: Registry | undefined;
  unseen: ArmError | undefined;
  now: Date;
}

function stateOf({ replica, row, home, registry, unseen, now }: Evidence): RegionState {
  const justNow = row?.since !== undefined && now.getTime() - Date.parse(row.since) < settling;
  if (!replica) {
    if (home) return says(registry?.provisioningState, 'Succeeded') ? 'Ready' : 'Updating';
    if (unseen) return row?.state ?? 'Absent';
    return row?.state === 'Creating' && justNow ? 'Creating' : 'Absent';
  }
  if (row?.state === 'Deleting' && justNow) return 'Deleting';
  switch (replica.provisioningState?.toLowerCase()) {
    case 'succeeded':
      return home || says(replica.displayStatus, 'Ready') ? 'Ready' : 'Syncing';
    case 'failed':
    case 'canceled':
      return 'Failed';
    case 'creating':
      return 'Creating';
    case 'deleting':
      return 'Deleting';
    default: // Updating, and every word that ARM may yet learn
      return 'Updating';
  }
}

function says(word: string | undefined, expected: string): boolean {
  return word?.toLowerCase() === expected.toLowerCase();
}

/** ARM names in use, in lower case, with the location each is used at. */
function namesTaken({ sightings }: Observed): Map<string, string> {
  return new Map([...sightings].map(([location, { replica }]) => [replica.name.toLowerCase(), location]));
}

function nameFor(location: string, last: string | undefined, taken: ReadonlyMap<string, string>): string {
  const free = (name: string) => !taken.has(name.toLowerCase());
  if (last !== undefined && free(last)) return last;
  for (let n = 1; ; n++) {
    const name = n === 1 ? location : `${location}${n}`;
    if (free(name)) return name;
  }
}
