// The Kubernetes API emulator: an HTTPS server on loopback over an in-memory cluster, for tests, the demo and benchmarks.
// main.ts lists what it does not support.
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { parseAllDocuments, stringify } from 'yaml';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import type { Permission } from '../../access.ts';
import { makeLoopbackCertificate } from '../certificate.ts';
import type { AuditEntry } from './audit.ts';
import { Cluster } from './cluster.ts';
import { handle, type Settings } from './handler.ts';
import { Refusals } from './refusals.ts';
import { TokenIssuer } from './token-issuer.ts';
import { create } from './writes.ts';

export interface KubernetesEmulatorOptions {
  /** Default 0: any free port. */
  readonly port?: number;
  /** YAML files of CustomResourceDefinitions to establish at the start. */
  readonly crds?: readonly string[];
  /** For timestamps, watch timeouts and bookmarks. */
  readonly clock?: Clock;
}

export interface KubernetesEmulator {
  /** `https://127.0.0.1:port` */
  readonly url: string;
  /** A kubeconfig in YAML with the server's certificate and a token with all rights. */
  readonly kubeconfig: string;
  /** The bearer token that every request needs. */
  readonly token: string;
  /** The certificate to trust, in PEM. */
  readonly certificate: string;
  /** A kubeconfig for a user of that name, with this default namespace. The user has all rights, and is audited. */
  kubeconfigOf(user: string, namespace: string): string;
  /** From now on a SubjectAccessReview allows the user to get this non-resource path. */
  grant(user: string, path: string): void;
  /** From now on the user's requests that this permission allows get 403, until `permit`. Open watches go on. */
  forbid(user: string, permission: Permission): void;
  permit(user: string, permission: Permission): void;
  /** The requests of users from `kubeconfigOf`, in order. */
  readonly audit: readonly AuditEntry[];
  /**
   * Drops the history of changes: a watch from an older version gets 410 Gone, as an ERROR event like kube-apiserver's,
   * or, with `answer: 'status'`, as an HTTP status like that of proxies and other servers. An older `continue` gets 410
   * too. Open watches go on.
   */
  compact(answer?: 'event' | 'status'): void;
  /** Ends every open watch without an error. */
  closeWatches(): void;
  /** Closes the server and every connection. */
  close(): Promise<void>;
}

/** The user of the emulator's own token, who is not audited. */
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
  const refusals = new Refusals();
  let goneAs: 'event' | 'status' = 'event';
  const settings: Settings = {
    cluster,
    tokens: new TokenIssuer(cluster.clock),
    users,
    mayGet: (user, path) => user === admin || grants.has(`${user} ${path}`),
    authorize(user, access) {
      if (user === admin) return true;
      const isForbidden = refusals.refuses(user, access);
      audit.push({ user, ...access, isForbidden });
      return !isForbidden;
    },
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
    forbid: (user, permission) => refusals.add(user, permission),
    permit: (user, permission) => refusals.remove(user, permission),
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
    const options = { dryRun: false, manager: 'kubernetes-emulator', fieldValidation: 'Warn', warn: refuse } as const;
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
