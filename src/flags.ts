// Kinds of flags, and the parsers of their values. Each parser throws commander's InvalidArgumentError, which names the flag or the
// variable.
import { InvalidArgumentError, Option } from 'commander';
import { formatDuration, parseDuration } from './lib/duration.ts';
import { isLoopback } from './lib/loopback.ts';

export interface BindAddress {
  /** Undefined: every address of this machine. */
  readonly host?: string;
  /** 0: the system chooses. */
  readonly port: number;
}

/** The environment variable of a flag is its name in upper snake case. */
export function flag(usage: string, description: string): Option {
  const option = new Option(usage, description);
  return option.env(option.name().replaceAll('-', '_').toUpperCase());
}

export function toggle(name: string, description: string): Option {
  return flag(`${name} [true|false]`, description).default(false).preset('true').argParser(trueOrFalse);
}

export function addressFlag(name: string, text: string, description: string): Option {
  return flag(`${name} <address>`, description).default(bindAddress(text), text).argParser(bindAddress);
}

export function durationFlag(name: string, text: string, minMs: number, description: string): Option {
  return flag(`${name} <duration>`, description).default(parseDuration(text), text).argParser(duration(minMs));
}

export function bindAddress(text: string): BindAddress | undefined {
  if (text === '0') return undefined;
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) throw new InvalidArgumentError('must be host:port, :port or 0');
  const host = match[1] ?? match[2];
  return Object.freeze({ ...(host ? { host } : {}), port });
}

/** Off by default. */
export function loopbackFlag(name: string, description: string): Option {
  return flag(`${name} <address>`, description).default(undefined, '0').argParser(loopbackAddress);
}

/** Without a host it is 127.0.0.1. */
function loopbackAddress(text: string): BindAddress | undefined {
  const address = bindAddress(text);
  if (!address) return undefined;
  const { host = '127.0.0.1', port } = address;
  if (!isLoopback(host))
    throw new InvalidArgumentError('must be an address of loopback, such as :8082; kubectl port-forward reaches it');
  return Object.freeze({ host, port });
}

export function trueOrFalse(text: string): boolean {
  return oneOf(['true', 'false'])(text) === 'true';
}

/** A DNS label: what a namespace may be called, and a Lease in any case. */
const label = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

export function dnsLabel(text: string): string {
  if (!label.test(text)) throw new InvalidArgumentError('must be a name of lower-case letters, digits and -');
  return text;
}

export function namespaces(text: string, previous: readonly string[]): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  const all = [...new Set([...previous, ...names])].filter(Boolean);
  if (all.some((name) => !label.test(name)))
    throw new InvalidArgumentError('must be names of namespaces, separated by commas');
  return all;
}

/** Kinds of Kubernetes resources, as `plural.group`, or `plural` of the core group. */
export function kinds(text: string, previous: readonly string[]): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  const all = [...new Set([...previous, ...names])].filter(Boolean);
  if (all.some((name) => name.length > 253 || !name.split('.').every((part) => label.test(part))))
    throw new InvalidArgumentError('must be kinds such as nodes,memberclusters.cluster.kubernetes-fleet.io');
  // A status shows some of the values that a source has.
  if (all.includes('secrets')) throw new InvalidArgumentError('must not be secrets: a status would show parts of them');
  return all;
}

/** Checks Kubernetes' grammar of set-based requirements; the API server checks the rest. */
export function labelSelector(text: string): string {
  const key = '[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?';
  const value = '([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?';
  const set = String.raw`\(\s*${value}(\s*,\s*${value})*\s*\)`;
  const requirement = String.raw`\s*(!\s*${key}|${key}(\s*(==?|!=)\s*${value}|\s*[<>]\s*\d+|\s+(in|notin)\s*${set})?)\s*`;
  if (!new RegExp(`^${requirement}(,${requirement})*$`).test(text)) {
    throw new InvalidArgumentError('must be a label selector such as team=web,env in (prod,stage)');
  }
  return text;
}

export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < min || number > max) {
      throw new InvalidArgumentError(`must be a whole number from ${min} to ${max}`);
    }
    return number;
  };
}

export function duration(minMs: number): (text: string) => number {
  return (text) => {
    const ms = parseDuration(text);
    if (ms === undefined || ms < minMs) {
      throw new InvalidArgumentError(`must be a duration such as 10m or 1h30m, at least ${formatDuration(minMs)}`);
    }
    return ms;
  };
}

export function oneOf<T extends string>(words: readonly T[]): (text: string) => T {
  return (text) => {
    const word = words.find((candidate) => candidate === text.toLowerCase());
    if (word === undefined) throw new InvalidArgumentError(`must be one of ${words.join(', ')}`);
    return word;
  };
}
