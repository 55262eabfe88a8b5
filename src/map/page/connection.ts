// Holds the newest state: takes the stream's messages, and connects again when it breaks.
import type { Contact, MapState, MapUpdate, RegistryView } from '../model.ts';

export interface Received {
  readonly settings: Omit<MapState, 'registries' | 'contact'>;
  readonly contact: Contact;
  readonly registries: ReadonlyMap<string, RegistryView>;
}

/** The server sends something every 15 s. */
const maxSilenceMs = 40_000;
const retryMs = 3_000;

export interface Listener {
  /** With the newest state, after each message and when the connection is lost. */
  onChange(received: Received, changed: readonly RegistryView[]): void;
  /** The server has refused the first connection. */
  onRefused(message: string): void;
}

const noAnswer =
  'the program that serves this page does not answer. If it was started again, open the address that it printed';

export function connect({ onChange, onRefused }: Listener): void {
  let received: Received | undefined;
  let heard = Date.now();
  let opened = heard;
  let source: EventSource | undefined;

  const report = (next: Received, changed: readonly RegistryView[] = []) => {
    received = next;
    onChange(next, changed);
  };
  const lost = (message: string) => {
    if (received) report({ ...received, contact: { live: false, since: new Date(heard).toISOString(), message } });
    else onRefused(message);
  };
  const open = () => {
    source?.close();
    opened = Date.now();
    source = new EventSource('api/stream');
    source.addEventListener('state', ({ data }) => {
      heard = Date.now();
      const { registries, contact, ...settings } = JSON.parse(data) as MapState;
      report({ settings, contact, registries: new Map(registries.map((view) => [view.key, view])) }, registries);
    });
    source.addEventListener('update', ({ data }) => {
      heard = Date.now();
      const { contact, changed, gone, regions } = JSON.parse(data) as MapUpdate;
      if (!received) return;
      const settings = regions ? { ...received.settings, regions } : received.settings;
      const registries = new Map(received.registries);
      for (const view of changed) registries.set(view.key, view);
      for (const key of gone) registries.delete(key);
      report({ settings, contact, registries }, changed);
    });
    source.onerror = async () => {
      const isRefused = source?.readyState === EventSource.CLOSED;
      lost((isRefused && (await refusal())) || noAnswer);
      if (isRefused) setTimeout(open, retryMs);
    };
  };
  open();
  setInterval(() => {
    if (Date.now() - Math.max(heard, opened) < maxSilenceMs) return;
    lost('the program that serves this page is silent');
    open();
  }, 5_000);
}

/** Why the server refuses the stream, which EventSource does not say; undefined if it does not refuse it or does not answer. */
async function refusal(): Promise<string | undefined> {
  const unread = new AbortController();
  try {
    const response = await fetch('api/stream', { signal: unread.signal });
    if (response.ok) return undefined;
    if (response.status === 403) return 'this page belongs to an earlier start. Open the address that was printed last';
    const { message } = (await response.json()) as { message?: string };
    return message;
  } catch {
    return undefined;
  } finally {
    unread.abort();
  }
}

/** Posts a change. Resolves to undefined, or to the sentence of the refusal. */
export async function post(view: RegistryView, change: object): Promise<string | undefined> {
  const { uid, generation } = view;
  try {
    const response = await fetch(
      `api/registries/${encodeURIComponent(view.namespace)}/${encodeURIComponent(view.name)}`,
      {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ ...change, uid, generation }),
      },
    );
    if (response.ok) return undefined;
    const { message } = (await response.json()) as { message?: string };
    return message ?? `The answer was ${response.status}.`;
  } catch {
    return 'The program that serves this page does not answer.';
  }
}
