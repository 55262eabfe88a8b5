// The demo's registries as clients of images see them: an emulated data plane, the proxy that leads registries' real names to it, and
// pushes, which reach one region after the other.
import type { RegistryReference } from '../../src/azure/arm.ts';
import { ConnectProxy } from '../connect-proxy.ts';
import type { ArmEmulator } from '../emulators/arm/emulator.ts';
import { startRegistryEmulator } from '../emulators/registry/emulator.ts';

export interface DemoRegistries {
  /** The certificate to trust, in PEM. */
  readonly certificate: string;
  /** For HTTPS_PROXY; it leads to registries only. */
  readonly proxyUrl: string;
  /** POST to `/REPOSITORY:TAG` below it pushes an image to the registry. */
  readonly pushUrl: string;
  close(): Promise<void>;
}

/** Between the arrivals in two regions. */
const stepMs = 8_000;

export async function startRegistries(
  arm: ArmEmulator,
  registry: RegistryReference,
  speed: number,
): Promise<DemoRegistries> {
  const regions = () => arm.azure.replicas(registry).filter(({ home }) => !home);
  const delays = () => Object.fromEntries(regions().map(({ location }, n) => [location, ((n + 1) * stepMs) / speed]));
  const data = await startRegistryEmulator(arm, { pushes: { registry: registry.name, delays } });
  const proxy = await ConnectProxy.start({ targets: { '*.azurecr.io:443': data.url } });
  return {
    certificate: data.certificate,
    proxyUrl: proxy.url(),
    pushUrl: `${data.url}/emulator/images`,
    async close() {
      await proxy.close();
      await data.close();
    },
  };
}
