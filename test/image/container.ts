// Runs a container of the image with runc as Kubernetes would under the Deployment's security context: as process 1, on a
// read-only root file system, as a non-root user without capabilities. Only the network is this machine's.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import { eventually } from '../real-api-server.ts';
import type { ImageConfig } from './buildah.ts';

export interface Image {
  readonly config: ImageConfig;
  /** The directory with its files. */
  readonly root: string;
}

export interface ContainerOptions {
  /** Default: the image's own. */
  readonly entrypoint?: readonly string[];
  /** Appended to the entrypoint. */
  readonly args?: readonly string[];
  /** Overrides the image's own. If a value is the path of a file on this machine, the file is mounted. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Container {
  /** Forwards signals to the process in the container, and returns its output and exit code. */
  readonly runc: ChildProcessByStdio<null, Readable, Readable>;
  /** The process id of the container's process on this machine. */
  pid(): Promise<number>;
}

export function startContainer({ config, root }: Image, options: ContainerOptions): Container {
  const { entrypoint = config.Entrypoint, args = [], env = {} } = options;
  const bundle = mkdtempSync(join(tmpdir(), 'container-'));
  const pidFile = join(bundle, 'pid');
  const [uid, gid] = config.User.split(':').map(Number);
  const files = Object.entries(env).flatMap(([name, path]) => fileFor(bundle, name, path) ?? []);
  const variables = { ...env, ...Object.fromEntries(files.map(({ name, destination }) => [name, destination])) };
  const spec = {
    ociVersion: '1.0.2',
    process: {
      user: { uid, gid },
      args: [...entrypoint, ...args],
      cwd: config.WorkingDir,
      env: [...config.Env, ...Object.entries(variables).map(([name, value]) => `${name}=${value}`)],
      capabilities: {},
      noNewPrivileges: true,
    },
    root: { path: root, readonly: true },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=64k'] },
      { destination: '/run', type: 'tmpfs', source: 'tmpfs', options: ['mode=755'] },
      ...files.map(({ source, destination }) => ({ destination, source, type: 'bind', options: ['bind', 'ro'] })),
    ],
    linux: { namespaces: ['pid', 'mount', 'ipc', 'uts'].map((type) => ({ type })) },
  };
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(spec));
  const command = ['--root', join(bundle, 'state'), 'run', '--bundle', bundle, '--pid-file', pidFile, basename(bundle)];
  const runc = spawn('runc', command, { stdio: ['ignore', 'pipe', 'pipe'] });
  runc.on('close', () => rmSync(bundle, { recursive: true, force: true }));
  return {
    runc,
    async pid() {
      // runc writes the file after it has started the process.
      await eventually(async () => existsSync(pidFile));
      return Number(readFileSync(pidFile, 'utf8'));
    },
  };
}

/** A mount for a variable that names a file. Regular files are copied, since some are readable for their owner only. */
function fileFor(bundle: string, name: string, path: string) {
  const found = path.startsWith('/') ? statSync(path, { throwIfNoEntry: false }) : undefined;
  if (!found) return undefined;
  const destination = `/run/files/${name}`;
  if (!found.isFile()) return { name, source: path, destination };
  const copy = join(bundle, name);
  copyFileSync(path, copy);
  chmodSync(copy, 0o444);
  return { name, source: copy, destination };
}
