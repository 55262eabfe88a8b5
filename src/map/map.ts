// Composes the map: objects that an informer keeps, the stream to the browsers, and the server. The plugin has an informer of its own,
// with its user's rights; the operator lends its own, and its map is read-only.
import { group, plural, type RegistryReplication, version } from '../api/registryreplication.ts';
import { type InformerHealth, startInformer } from '../kubernetes/cache/informer.ts';
import type { Change } from '../kubernetes/cache/reflector.ts';
import { Store } from '../kubernetes/cache/store.ts';
import type { KubeClient } from '../kubernetes/client/client.ts';
import { type ObjectName, type Resource, resource } from '../kubernetes/client/resource.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { pageAssets } from './assets.ts';
import { contactOf } from './contact.ts';
import { type Editor, editorOf } from './editor.ts';
import { eventsOf } from './events.ts';
import type { Contact, EventView, MapState, RegistryView } from './model.ts';
import { MapRegions, type RegionsOf } from './regions.ts';
import { type Assets, type MapServerOptions, serveMap } from './server.ts';
import { StateStream, type StreamLimits } from './stream.ts';
import { registryView } from './view.ts';

export interface MapAddress {
  /** A loopback address; default 127.0.0.1. */
  readonly host?: string | undefined;
  /** 0: the system chooses. */
  readonly port: number;
}

export interface RunningMap {
  /** With the token, if one is needed, that the browser exchanges for a cookie. */
  readonly url: string;
  /** For a browser's command line: its token works once. */
  readonly onceUrl: string;
  readonly port: number;
  /** Takes each change of an object after the store has it. */
  onChange(change: Change<RegistryReplication>): void;
  close(): Promise<void>;
}

export interface MapOptions {
  readonly address: MapAddress;
  readonly store: Pick<Store<RegistryReplication>, 'list' | 'read'>;
  readonly health: () => InformerHealth;
  /** A map with an editor always needs one. */
  readonly needsToken?: MapServerOptions['needsToken'];
  readonly editor?: Editor;
  readonly events?: (name: ObjectName) => Promise<EventView[]>;
  readonly kubectlArgs?: readonly string[];
  readonly clock: Clock;
  readonly limits?: Partial<StreamLimits>;
  /** Default: those of the project. */
  readonly assets?: Assets;
  readonly regions?: MapState['regions'];
  /** Called while a page is open. Default: the regions are those of the project's table. */
  readonly regionsOf?: RegionsOf | undefined;
}

/** Rejects with a MapServerError. */
export async function startMap(options: MapOptions): Promise<RunningMap> {
  const { address, store, health, editor, events, kubectlArgs = [], clock, limits } = options;
  const view = cached(registryView);
  const regions = new MapRegions(options.regionsOf, () => stream.onRegions(), options.regions);
  const state = (contact: Contact): MapState => {
    regions.need(store.list());
    return {
      writable: editor !== undefined,
      hasEvents: events !== undefined,
      kubectlArgs,
      contact,
      regions: regions.list,
      registries: store.list().map(view),
    };
  };
  const stream = new StateStream({
    state,
    regions: () => regions.list,
    read: (key) => store.read(key),
    view,
    contact: (before, now) => contactOf(health(), before, now),
    clock,
    ...(limits && { limits }),
  });
  const assets = options.assets ?? (await pageAssets());
  const server = await serveMap({
    ...address,
    needsToken: editor !== undefined || options.needsToken,
    assets,
    stream,
    editor,
    events,
  });
  return {
    ...server,
    onChange(change) {
      stream.onChange(change);
      if (stream.clients > 0 && change.type !== 'deleted') regions.need([change.object]);
    },
    close() {
      regions.close();
      return server.close();
    },
  };
}

/** Objects of the store are never changed in place, so each is viewed once. */
function cached(view: (object: RegistryReplication) => RegistryView): typeof view {
  const views = new WeakMap<RegistryReplication, RegistryView>();
  return (object) => {
    const known = views.get(object) ?? view(object);
    views.set(object, known);
    return known;
  };
}

export interface ClusterMapOptions
  extends Pick<MapOptions, 'address' | 'kubectlArgs' | 'clock' | 'limits' | 'assets' | 'regions'> {
  /** With the rights of the user. */
  readonly cluster: KubeClient;
  /** Empty: all. */
  readonly namespaces?: readonly string[];
  readonly labelSelector?: string;
  readonly log: Log;
}

/** The map of a cluster as its user sees it, and may change it. Rejects with a MapServerError. */
export async function startClusterMap(options: ClusterMapOptions): Promise<Omit<RunningMap, 'onChange'>> {
  const { cluster, namespaces = [], labelSelector, clock, log } = options;
  const objects: Resource<RegistryReplication> = resource(cluster, { group, version, plural });
  const store = new Store<RegistryReplication>();
  let map: RunningMap | undefined;
  const informer = startInformer({
    cluster,
    resource: objects,
    store,
    namespaces,
    ...(labelSelector && { labelSelector }),
    onChange: (change) => map?.onChange(change),
    clock,
    random: Math.random,
    log,
  });
  try {
    map = await startMap({
      ...options,
      store,
      health: informer.health,
      editor: editorOf(objects),
      events: async ({ namespace, name }) => {
        const object = store.read(`${namespace}/${name}`);
        return object ? eventsOf(cluster, object) : [];
      },
    });
  } catch (error) {
    informer.stop();
    throw error;
  }
  const { url, onceUrl, port, close } = map;
  return {
    url,
    onceUrl,
    port,
    close() {
      informer.stop();
      return close();
    },
  };
}
