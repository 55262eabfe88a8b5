// Remembers, in memory only, the status URL of the last creation or change of each replica. The URLs contain signatures and are
// never logged or stored.
import { LRUCache } from 'lru-cache';
import type { RegistryReference } from './arm.ts';

/** Room for some 900 URLs of about 4.5 kB (recorded: azure-cli, 2026-09-10). A dropped one costs the reason of a failure. */
const maxTotalBytes = 4 * 1024 * 1024;
const maxUrlLength = 16_384;

export class OperationUrls {
  readonly #origin: string;
  readonly #urls = new LRUCache<string, string>({
    maxSize: maxTotalBytes,
    // A URL is ASCII.
    sizeCalculation: (url, key) => url.length + key.length,
  });

  /** @param endpoint ARM's. URLs of other origins are dropped, because the token is sent with the request. */
  constructor(endpoint: string) {
    this.#origin = new URL(endpoint).origin;
  }

  /** ARM has accepted a PUT or PATCH. `url`: its Azure-AsyncOperation header; undefined if the operation is complete. */
  started(registry: RegistryReference, name: string, url: string | undefined): void {
    const isOurs =
      url !== undefined && url.length <= maxUrlLength && URL.canParse(url) && new URL(url).origin === this.#origin;
    if (isOurs) this.#urls.set(keyOf(registry, name), url);
    else this.forget(registry, name);
  }

  urlOf(registry: RegistryReference, name: string): string | undefined {
    return this.#urls.get(keyOf(registry, name));
  }

  forget(registry: RegistryReference, name: string): void {
    this.#urls.delete(keyOf(registry, name));
  }
}

function keyOf({ subscriptionId, resourceGroup, name }: RegistryReference, replica: string): string {
  return [subscriptionId, resourceGroup, name, replica].join('/').toLowerCase();
}
