// An agent for HTTPS that keeps connections and opens them through the proxy of the environment where there is one.
import { Agent, type AgentOptions, type RequestOptions } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../lib/clock.ts';
import { proxyFor } from '../lib/proxy.ts';
import { openTunnel } from '../lib/tunnel.ts';

export interface ProxiedRequestOptions extends RequestOptions {
  /** Ends the attempt to connect through the proxy. Node does not pass `signal` to agents. */
  readonly connectSignal?: AbortSignal;
}

export class ProxiedAgent extends Agent {
  readonly #clock: Clock;
  readonly #closing = new AbortController();

  constructor(options: AgentOptions, clock: Clock) {
    super(options);
    this.#clock = clock;
  }

  override createConnection(
    options: ProxiedRequestOptions,
    callback?: (error: Error | null, socket: Duplex) => void,
  ): Duplex | null | undefined {
    const host = options.host?.includes(':') ? `[${options.host}]` : options.host;
    const target = `${host}:${options.port ?? 443}`;
    const proxy = proxyFor(new URL(`https://${target}`));
    if (!proxy) return super.createConnection(options, callback);
    const signal = AbortSignal.any([this.#closing.signal, ...(options.connectSignal ? [options.connectSignal] : [])]);
    const secure = (socket: Socket) => {
      const tls = { ...options, socket };
      return super.createConnection(tls) as Duplex;
    };
    void openTunnel(proxy, target, { signal, clock: this.#clock })
      .then(secure)
      .then(
        (socket) => callback?.(null, socket),
        // Node takes no socket with an error.
        (error: Error) => callback?.(error, undefined as never),
      );
    return undefined;
  }

  override destroy(): void {
    this.#closing.abort();
    super.destroy();
  }
}
