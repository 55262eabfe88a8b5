// Runs the steps of the follow storm against an operator behind a proxy, and records what sources named and what broke when. Writes to
// the cluster are sent in turn over a direct connection; troubles of different kinds overlap.
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { createKubeClient, type KubeClient, loadKubeConfig } from '../../src/kubernetes/client/client.ts';
import { establish } from '../cluster.ts';
import { operatorAccount } from '../deployment.ts';
import type { Operator } from '../operator.ts';
import { definitionOf } from '../source-kinds.ts';
import { TcpProxy } from '../tcp-proxy.ts';
import type { TestEnvironment } from '../test-environment.ts';
import type { Step, Trouble } from './follow-steps.ts';
import type { NamingRecord } from './naming-record.ts';
import {
  type Kind,
  kinds,
  memberCluster,
  namedBy,
  type SourceObject,
  SourceWriter,
  viewsOf,
} from './source-objects.ts';
import { WatchObserver } from './watch-observer.ts';

const groups: Readonly<Record<Kind, string>> = { nodes: '', configmaps: '', memberclusters: memberCluster.group };
const resources = Object.entries(groups).map(([resource, group]) => (group ? `${resource}.${group}` : resource));

export class FollowStorm {
  /** How often each kind of step was taken. */
  readonly taken = new Map<string, number>();
  readonly #environment: TestEnvironment;
  readonly #record: NamingRecord;
  readonly #proxy: TcpProxy;
  readonly #cluster: KubeClient;
  readonly #writer: SourceWriter;
  readonly #watches: WatchObserver;
  readonly #proxied: string;
  readonly #objects = new Map<string, SourceObject>();
  /** By kind; one of each at a time. */
  readonly #troubles = new Map<string, Promise<void>>();
  #turn: Promise<unknown> = Promise.resolve();
  /** Of these kinds no object is created. */
  readonly #absent = new Set<Kind>();
  #operator: Operator | undefined;

  private constructor(environment: TestEnvironment, record: NamingRecord, proxy: TcpProxy, proxied: string) {
    this.#environment = environment;
    this.#record = record;
    this.#proxy = proxy;
    this.#proxied = proxied;
    this.#cluster = createKubeClient(loadKubeConfig(environment.kubeconfig));
    this.#writer = new SourceWriter(this.#cluster);
    this.#watches = new WatchObserver(environment.kubernetes, record);
  }

  /** Starts the operator. */
  static async start(environment: TestEnvironment, record: NamingRecord): Promise<FollowStorm> {
    const { url } = environment.kubernetes;
    const proxy = await TcpProxy.create(url);
    await proxy.listen();
    const proxied = join(dirname(environment.operatorKubeconfig), 'kubeconfig-of-the-proxy');
    const direct = await readFile(environment.operatorKubeconfig, 'utf8');
    await writeFile(proxied, direct.replace(url, `https://127.0.0.1:${proxy.port}`), { mode: 0o600 });
    const storm = new FollowStorm(environment, record, proxy, proxied);
    await storm.#install();
    for (const kind of kinds) await environment.kubernetes.permit(operatorAccount, rights(kind));
    storm.#operator = await storm.#startOperator();
    return storm;
  }

  get operator(): Operator | undefined {
    return this.#operator;
  }

  /** A trouble goes on after this has resolved. */
  async take(step: Step): Promise<void> {
    await sleep(step.pauseMs);
    switch (step.kind) {
      case 'apply':
        return this.apply(step.object);
      case 'remove':
        return this.#remove(this.#objects.get(step.object.name));
      case 'trouble':
        return this.#begin(step.trouble);
      default:
        step satisfies never;
    }
  }

  /** Does nothing while there are to be no objects of this kind. */
  async apply(object: SourceObject): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#absent.has(object.kind)) return;
      this.#objects.set(object.name, object);
      this.#count('apply');
      await this.#record.write(namedBy(this.#objects.values()), () => this.#writer.apply(object));
    });
  }

  /** Resolves when all troubles are over. */
  async calmDown(): Promise<void> {
    await Promise.all(this.#troubles.values());
  }

  async close(): Promise<void> {
    this.#watches.close();
    await this.#cluster.close();
    await this.#proxy.close();
  }

  async #remove(object: SourceObject | undefined): Promise<void> {
    await this.#inTurn(async () => {
      if (!object || !this.#objects.delete(object.name)) return;
      this.#count('remove');
      await this.#record.write(namedBy(this.#objects.values()), () => this.#writer.remove(object));
    });
  }

  #begin(trouble: Trouble): void {
    const { kind } = trouble;
    const isServer = kind === 'restart' || kind === 'cut' || kind === 'drop';
    // Only one of them takes objects away at a time.
    const axis = isServer ? 'connection' : kind === 'uninstall' ? 'clear' : kind;
    if (this.#troubles.has(axis)) return;
    this.#count(kind);
    const over = this.#run(trouble).finally(() => this.#troubles.delete(axis));
    this.#troubles.set(axis, over);
  }

  async #run(trouble: Trouble): Promise<void> {
    switch (trouble.kind) {
      case 'drop':
        return this.#drop();
      case 'cut':
        return this.#cut(trouble.ms, trouble.compact);
      case 'restart':
        return this.#restart(trouble.ms);
      case 'forbid':
        return this.#forbid(trouble.what, trouble.ms);
      case 'uninstall':
        return this.#uninstall(trouble.ms);
      case 'clear':
        return this.#clear(trouble.what, trouble.ms);
      case 'kill':
        return this.#kill(trouble.ms);
      default:
        trouble satisfies never;
    }
  }

  async #drop(): Promise<void> {
    const reconnects = this.#record.disconnects();
    this.#proxy.end('reset');
    reconnects();
    await this.#watches.lost();
  }

  async #cut(ms: number, compact: boolean): Promise<void> {
    const { faults, server } = this.#environment.kubernetes;
    const reconnects = this.#record.disconnects();
    this.#proxy.refuse();
    this.#proxy.end('reset');
    await this.#watches.lost();
    await sleep(ms);
    if (compact) await this.#inTurn(async () => (server ? void (await server.compact()) : faults?.compact()));
    await this.#proxy.listen();
    reconnects();
  }

  async #restart(ms: number): Promise<void> {
    const { server } = this.#environment.kubernetes;
    if (!server) return this.#cut(ms, false);
    await this.#inTurn(async () => {
      const reconnects = this.#record.disconnects();
      await server.kill();
      await this.#watches.lost();
      await sleep(ms);
      await server.start();
      reconnects();
    });
  }

  async #forbid(kind: Kind, ms: number): Promise<void> {
    const { kubernetes } = this.#environment;
    let ends: (() => void)[] = [];
    await this.#inTurn(async () => {
      await kubernetes.forbid(operatorAccount, rights(kind));
      ends = this.#failing(kind);
    });
    // Open watches go on: they must begin again to be refused.
    await this.#drop();
    await sleep(ms);
    await this.#inTurn(async () => {
      for (const end of ends) end();
      await this.#watches.lost([kind]);
      await kubernetes.permit(operatorAccount, rights(kind));
    });
  }

  async #uninstall(ms: number): Promise<void> {
    let ends: (() => void)[] = [];
    await this.#inTurn(async () => {
      this.#absent.add('memberclusters');
      for (const { name, kind } of [...this.#objects.values()]) {
        if (kind === 'memberclusters') this.#objects.delete(name);
      }
      await this.#record.write(namedBy(this.#objects.values()), () => this.#writer.uninstall());
      ends = this.#failing('memberclusters');
      await this.#watches.lost(['memberclusters']);
    });
    await sleep(ms);
    await this.#inTurn(async () => {
      for (const end of ends) end();
      await this.#watches.lost(['memberclusters']);
      await this.#install();
      this.#absent.delete('memberclusters');
    });
  }

  async #clear(kind: Kind, ms: number): Promise<void> {
    this.#absent.add(kind);
    for (const object of [...this.#objects.values()]) if (object.kind === kind) await this.#remove(object);
    await sleep(ms);
    this.#absent.delete(kind);
  }

  async #install(): Promise<void> {
    await establish(this.#cluster, parse(await readFile(definitionOf(memberCluster), 'utf8')));
  }

  async #kill(ms: number): Promise<void> {
    await this.#operator?.stop('SIGKILL');
    await this.#watches.lost();
    await sleep(ms);
    this.#operator = await this.#startOperator();
  }

  async #startOperator(): Promise<Operator> {
    const operator = this.#environment.startOperator({
      args: [`--region-sources=${resources}`],
      env: { KUBECONFIG: this.#proxied },
    });
    this.#record.starts();
    await operator.logged(({ msg }) => msg.includes('passes begin'));
    return operator;
  }

  #failing(kind: Kind): (() => void)[] {
    return viewsOf(kind).map((name) => this.#record.fails(name));
  }

  #count(kind: string): void {
    this.taken.set(kind, (this.taken.get(kind) ?? 0) + 1);
  }

  #inTurn(request: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(request);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

function rights(kind: Kind) {
  const namespace = kind === 'configmaps' ? { namespace: 'default' } : {};
  return ['list', 'watch'].map((verb) => ({ verb, group: groups[kind], resource: kind, ...namespace }));
}
