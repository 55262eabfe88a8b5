// Derives from the informer's health whether the map is live. Pure.
import type { InformerHealth } from '../kubernetes/cache/informer.ts';
import { explain } from '../kubernetes/client/errors.ts';
import { isoSeconds } from '../lib/clock.ts';
import type { Contact } from './model.ts';

/** A working watch hears from the API server at least every 30 s. */
const maxSilenceMs = 60_000;

/** @param before Between two attempts the watch has no error, and the map is stale all the same until the server has answered. */
export function contactOf({ synced, lastContact, watches }: InformerHealth, before: Contact, now: Date): Contact {
  const since = lastContact && { since: isoSeconds(lastContact) };
  const failed = watches.find(({ state }) => state.phase === 'BackingOff')?.state;
  if (failed?.phase === 'BackingOff') return { live: false, ...since, message: explain(failed.error) };
  if (!synced || !lastContact) {
    return before.message ? before : { live: false, ...since, message: 'the objects are not listed yet' };
  }
  if (now.getTime() - lastContact.getTime() > maxSilenceMs) {
    return { live: false, ...since, message: 'the API server is silent' };
  }
  const isAnswered = before.live || watches.every(({ state }) => state.phase === 'Watching');
  return isAnswered ? { live: true } : before;
}

export function isSameContact(one: Contact, other: Contact): boolean {
  return one.live === other.live && one.message === other.message;
}
