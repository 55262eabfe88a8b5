// A `describe` for suites that need the real kubectl; without it they are pending, with the reason in their title.
import type { Suite } from 'mocha';
import { missingKubectl } from '../emulators/kubectl.ts';

const missing = missingKubectl();

/** `describe` for tests that need kubectl. */
export function describeWithKubectl(title: string, suite: (this: Suite) => void): void {
  if (missing === undefined) describe(title, suite);
  else describe.skip(`${title} (pending: ${missing})`, suite);
}
