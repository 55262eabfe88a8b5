// Runs a real kube-apiserver with its own etcd, as processes that a test can kill, restart and compact.
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CoreV1Api } from '@kubernetes/client-node';
import { stringify } from 'yaml';
import { createKubeClient, type KubeClient, loadKubeConfig } from '../src/kubernetes/client/client.ts';
import { isFromApiServer } from '../src/kubernetes/client/errors.ts';
import { makeLoopbackCertificate } from './emulators/certificate.ts';
import { freePort } from './free-port.ts';
import { hangLimitMs } from './hang-limit.ts';
import { kubeApi } from './kube-api.ts';

export interface RealApiServerOptions {
  /** The directory of the programs kube-apiserver and etcd. */
  readonly assets: string;
  /** An empty directory for keys, data and logs. */
  readonly directory: string;
}

export interface RealApiServer {
  /** A kubeconfig in YAML with all rights. */
  readonly kubeconfig: string;
  /** A file with `kubeconfig`. */
  readonly kubeconfigFile: string;
  /** A kubeconfig in YAML with this bearer token and default namespace. */
  kubeconfigWith(token: string, namespace: string): string;
  /** The audit log of service accounts: one `audit.k8s.io/v1` Event in JSON per line. */
  readonly auditLog: string;
  readonly url: string;
  /** Kills the API server with SIGKILL; etcd keeps running. Resolves when the process is gone. */
  kill(): Promise<void>;
  /** Starts it on the same etcd and port, with additional flags. Resolves when it serves. */
  start(flags?: readonly string[]): Promise<void>;
  /** Makes etcd drop all but the newest version of each object; resolves to the revision that it kept. */
  compact(): Promise<string>;
  close(): Promise<void>;
}

/**
 * Logs each request of a service account when it is answered, and a watch when it ends, with two events: kube-apiserver 1.20 writes
 * ResponseStarted together with ResponseComplete (seen, 2026-11).
 */
const auditPolicy = stringify({
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata', userGroups: ['system:serviceaccounts'] }, { level: 'None' }],
});

/** Resolves when the API server serves. */
export async function startRealApiServer({ assets, directory }: RealApiServerOptions): Promise<RealApiServer> {
  const ports = { api: await freePort(), etcd: await freePort(), peer: await freePort() };
  const { cert, key } = await makeLoopbackCertificate('kube-apiserver');
  const at = (name: string) => join(directory, name);
  const token = crypto.randomUUID();
  await writeFile(at('server.crt'), cert);
  await writeFile(at('server.key'), key, { mode: 0o600 });
  await writeFile(at('tokens.csv'), `${token},admin,admin,"system:masters"\n`, { mode: 0o600 });
  await writeFile(at('audit-policy.yaml'), auditPolicy);

  const url = `https://127.0.0.1:${ports.api}`;
  const etcdUrl = `http://127.0.0.1:${ports.etcd}`;
  const peerUrl = `http://127.0.0.1:${ports.peer}`;
  const etcd = run(join(assets, 'etcd'), at('etcd.log'), [
    `--data-dir=${at('etcd')}`,
    `--listen-client-urls=${etcdUrl}`,
    `--advertise-client-urls=${etcdUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=default=${peerUrl}`,
  ]);
  const runApiServer = (flags: readonly string[]) =>
    run(join(assets, 'kube-apiserver'), at('kube-apiserver.log'), [
      `--etcd-servers=${etcdUrl}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${ports.api}`,
      `--tls-cert-file=${at('server.crt')}`,
      `--tls-private-key-file=${at('server.key')}`,
      `--cert-dir=${directory}`,
      `--token-auth-file=${at('tokens.csv')}`,
      '--authorization-mode=RBAC',
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      // Any key can sign service account tokens.
      `--service-account-key-file=${at('server.crt')}`,
      `--service-account-signing-key-file=${at('server.key')}`,
      '--service-cluster-ip-range=10.0.0.0/24',
      '--endpoint-reconciler-type=none',
      '--disable-admission-plugins=ServiceAccount',
      `--audit-policy-file=${at('audit-policy.yaml')}`,
      `--audit-log-path=${at('audit.log')}`,
      ...flags,
    ]);
  const kubeconfigWith = (token: string, namespace: string) =>
    stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        { name: 'test', cluster: { server: url, 'certificate-authority-data': Buffer.from(cert).toString('base64') } },
      ],
      users: [{ name: 'test', user: { token } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace } }],
      'current-context': 'test',
    });
  const kubeconfig = kubeconfigWith(token, 'default');
  await writeFile(at('admin.kubeconfig'), kubeconfig, { mode: 0o600 });

  let apiServer: ReturnType<typeof run> | undefined;
  const server: RealApiServer = {
    kubeconfig,
    kubeconfigFile: at('admin.kubeconfig'),
    kubeconfigWith,
    auditLog: at('audit.log'),
    url,
    async kill() {
      await apiServer?.end();
    },
    async start(flags = []) {
      const started = runApiServer(flags);
      apiServer = started;
      const cluster = createKubeClient(loadKubeConfig(at('admin.kubeconfig')), { timeoutMs: 5000 });
      await eventually(async () => {
        if (started.hasEnded || etcd.hasEnded) throw new Error(`the API server ended; its logs are in ${directory}`);
        return serves(cluster);
      });
      await cluster.close();
    },
    async compact() {
      // The response to a range names the current revision (etcd 3.4, HTTP/JSON gateway of the v3 API).
      const { header } = await etcdCall(etcdUrl, 'range', { key: Buffer.from('compact').toString('base64') });
      await etcdCall(etcdUrl, 'compaction', { revision: header.revision });
      return header.revision;
    },
    async close() {
      await apiServer?.end();
      await etcd.end();
    },
  };
  try {
    await server.start();
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}

/** Polls: another program's readiness can only be polled. */
export async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + hangLimitMs;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`not ready within ${hangLimitMs / 1000} s`);
    await sleep(50);
  }
}

/** The API server itself creates this namespace, at the end of its start. */
async function serves(cluster: KubeClient): Promise<boolean> {
  try {
    await kubeApi(cluster, CoreV1Api).readNamespace({ name: 'default' });
    return true;
  } catch (error) {
    if (isFromApiServer(error)) return false;
    throw error;
  }
}

interface EtcdAnswer {
  readonly header: { readonly revision: string };
}

async function etcdCall(url: string, method: 'range' | 'compaction', body: object): Promise<EtcdAnswer> {
  const path = method === 'range' ? '/v3/kv/range' : '/v3/kv/compaction';
  const response = await fetch(url + path, { method: 'POST', body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`etcd answered ${response.status} to ${path}: ${await response.text()}`);
  return (await response.json()) as EtcdAnswer;
}

function run(command: string, logFile: string, args: readonly string[]) {
  const log = createWriteStream(logFile, { flags: 'a' });
  const child: ChildProcess = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  const ended = new Promise<void>((resolve) => {
    child.on('exit', () => resolve());
    child.on('error', () => resolve());
  });
  return {
    get hasEnded() {
      return child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
    },
    async end() {
      child.kill('SIGKILL'); // scratch data: nothing to save
      await ended;
      log.end();
    },
  };
}
