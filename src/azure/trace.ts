// Tells whoever asks Azure what was sent for it, without a word of that in what is asked and answered: a pass knows nothing of
// requests, and the gateway nothing of passes.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { ArmRequest } from './arm.ts';

const asking = new AsyncLocalStorage<ArmRequest[]>();

/** Runs `work`; resolves to its answer and to the requests that went out for it, in the order of their ends. Rejects as it does. */
export async function tracing<T>(work: () => Promise<T>): Promise<{ answer: T; requests: readonly ArmRequest[] }> {
  const requests: ArmRequest[] = [];
  return { answer: await asking.run(requests, work), requests };
}

/** A request is over. */
export function trace(request: ArmRequest): void {
  asking.getStore()?.push(request);
}
