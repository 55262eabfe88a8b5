// The emulator as a whole: an HTTPS server on loopback over a cluster in memory, for tests, the demo and the bench.
// What it does not do is said in main.ts.
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { parseAllDocuments, stringify } from 'yaml';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { makeLoopbackCertificate } from '../certificate.ts';
import type { AuditEntry } from './audit.ts';
import { Cluster } from './cluster.ts';
import { handle, type Settings } from './handler.ts';
import { TokenIssuer } from './token-issuer.ts';
import { create } from './writes.ts';

export interface KubernetesEmulatorOptions {
  /** 0, the default, takes any free port. */
  readonly port?: number;
  /** YAML files with CustomResourceDefinitions that are established at the start. */
  readonly crds?: readonly string[];
  /** For timestamps, the ends of watches and bookmarks. */
  readonly clock?: Clock;
}

export interface KubernetesEmulator {
  /** `https://127.0.0.1:port` */
  readonly url: string;
  /** YAML, with the server's certificate and a token of all rights. */
  readonly kubeconfig: string;
  /** The bearer token that every request needs. */
  readonly token: string;
  /** PEM, what a client must trust. */
  readonly certificate: string;
  /** YAML, for a user who is told apart from others, and whose context is the namespace; may do everything too. */
  kubeconfigOf(user: string, namespace: string): string;
  /** What a SubjectAccessReview says of the user from now on: he may get this path, which is no resource. */
  grant(user: string, path: string): void;
  /** What those users have asked for, in order. */
  readonly audit: readonly AuditEntry[];
  /**
   * Forgets the history of all changes: a watch from an older version gets 410 Gone, as an ERROR event as kube-apiserver
   * sends it, or, for `answer: 'status'`, as the HTTP status that proxies and other servers make of it. An older
   * `continue` gets 410 too. Open watches go on.
   */
  compact(answer?: 'event' | 'status'): void;
  /** Ends every open watch, politely and without an error. */
  closeWatches(): void;
  /** Ends everything, open requests included. */
  close(): Promise<void>;
}

/** Whoever has the emulator's own token; what he asks for is not kept. */
const admin = 'admin';

export async function startKubernetesEmulator(options: KubernetesEmulatorOptions = {}): Promise<KubernetesEmulator> {
  const cluster = new Cluster(options.clock ?? systemClock);
  for (const file of options.crds ?? []) await establish(cluster, file);
  const { cert, key } = await makeLoopbackCertificate('kube-apiserver');
  const newToken = () => randomBytes(16).toString('hex');
  const token = newToken();
  const users = new Map([[token, admin]]);
  const grants = new Set<string>();
  const audit: AuditEntry[] = [];
  let goneAs: 'event' | 'status' = 'event';
  const settings: Settings = {
    cluster,
    tokens: new TokenIssuer(cluster.clock),
    users,
    mayGet: (user, path) => user === admin || grants.has(`${user} ${path}`),
    asked: (user, access) => void (user !== admin && audit.push({ user, ...access })),
    goneAs: () => goneAs,
  };
  const server = createServer({ cert, key, keepAliveTimeout: 120_000 }, (request, response) => {
    void handle(settings, request, response);
  });
  const url = `https://127.0.0.1:${await listen(server, options.port ?? 0)}`;
  return {
    url,
    kubeconfig: kubeconfigFor(url, cert, token),
    token,
    certificate: cert,
    audit,
    grant: (user, path) => void grants.add(`${user} ${path}`),
    kubeconfigOf(user, namespace) {
      const token = newToken();
      users.set(token, user);
      return kubeconfigFor(url, cert, token, namespace);
    },
    compact(answer = 'event') {
      goneAs = answer;
      cluster.compact();
    },
    closeWatches() {
      for (const collection of cluster.store.collections) collection.close();
    },
    close: () => close(server),
  };
}

async function establish(cluster: Cluster, file: string): Promise<void> {
  const resource = cluster.resource('apiextensions.k8s.io', 'v1', 'customresourcedefinitions');
  if (!resource) throw new Error('definitions are built in');
  for (const document of parseAllDocuments(await readFile(file, 'utf8'))) {
    const refuse = (message: string) => {
      throw new Error(`${file}: ${message}`);
    };
    const options = { dryRun: false, fieldValidation: 'Warn', warn: refuse } as const;
    create(cluster, { resource, namespace: undefined }, document.toJS(), options);
  }
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    server.closeAllConnections();
  });
}

function kubeconfigFor(server: string, certificate: string, token: string, namespace = 'default'): string {
  const name = 'emulator';
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name, cluster: { server, 'certificate-authority-data': Buffer.from(certificate).toString('base64') } },
    ],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace } }],
    'current-context': name,
  });
}
