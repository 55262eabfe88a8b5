// Leaves out of a bundle what the project does not use of its dependencies, and of Node, and what esbuild cannot tell to be unused.
// Each entry says what it saves at the start of the operator.
import { builtinModules } from 'node:module';
import type { Plugin } from 'esbuild';

const clientNode = /[\\/]node_modules[\\/]@kubernetes[\\/]client-node[\\/]/;
const resolving = Symbol();

/** Files of packages, with what takes their place. */
const replaced: readonly (readonly [file: RegExp, contents: string])[] = [
  // 700 models of Kubernetes' API, to which client-node's ListWatch refers only to send a label selector as it is.
  [
    /[\\/]client-node[\\/]dist[\\/]gen[\\/]models[\\/]ObjectSerializer\.js$/,
    `export class ObjectSerializer {
      static serialize(data, type) {
        if (type !== 'string') throw new TypeError('the bundle has no model ' + type);
        return data;
      }
    }`,
  ],
  // WebSockets, caches, cookies and mocks. client-node and the project need no more than this.
  [
    /[\\/]node_modules[\\/]undici[\\/]index\.js$/,
    `export { default as Agent } from './lib/dispatcher/agent.js';
    export { default as ProxyAgent } from './lib/dispatcher/proxy-agent.js';
    export { default as buildConnector } from './lib/core/connect.js';
    export { fetch } from './lib/web/fetch/index.js';`,
  ],
  // The connections are HTTP/1.1 only (src/kubernetes/client/pooled-kube-config.ts), so node:http2 need not be loaded.
  [
    /[\\/]node_modules[\\/]undici[\\/]lib[\\/]dispatcher[\\/]client-h2\.js$/,
    `module.exports = () => { throw new Error('the bundle has no HTTP/2'); };`,
  ],
  // pino asks who called it, for transports, of which the operator has none. With --enable-source-maps Node parses the whole map for
  // that.
  [/[\\/]node_modules[\\/]pino[\\/]lib[\\/]caller\.js$/, 'module.exports = () => [];'],
];

/** Kubernetes' API in client-node has 60 classes besides; client-node does not say that its modules have no side effects. */
export const leaveOutUnused: Plugin = {
  name: 'leave-out-unused',
  setup({ onResolve, onLoad, resolve }) {
    onResolve({ filter: /^\.|^@kubernetes\/client-node$/ }, async ({ path, pluginData, ...from }) => {
      if (pluginData === resolving || (path.startsWith('.') && !clientNode.test(from.importer))) return undefined;
      return { ...(await resolve(path, { ...from, pluginData: resolving })), sideEffects: false };
    });
    for (const [filter, contents] of replaced) onLoad({ filter }, () => ({ contents, loader: 'js' }));
  },
};

/**
 * Requires Node's own modules where an ES module imports them. An import evaluates every member, and so loads what Node itself loads
 * only on demand: with `node:http` a copy of undici, for `http.WebSocket`.
 */
export const requireBuiltins: Plugin = {
  name: 'require-builtins',
  setup({ onResolve, onLoad }) {
    const names = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]));
    onResolve({ filter: /^[a-z][a-z0-9:_/]*$/ }, ({ path, kind }) =>
      kind === 'import-statement' && names.has(path) ? { path, namespace: 'builtin', sideEffects: false } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)})`,
      loader: 'js',
    }));
  },
};
