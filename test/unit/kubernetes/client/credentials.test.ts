import { chmod, mkdir, mkdtemp, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createKubeClient, type KubeClient, loadKubeConfig } from '../../../../src/kubernetes/client/client.ts';
import { explain } from '../../../../src/kubernetes/client/errors.ts';
import { FakeClock } from '../../../fake-clock.ts';
import { ScriptedApiServer } from './scripted-api-server.ts';

describe('credentials that change', () => {
  let server: ScriptedApiServer;
  let directory: string;
  let clock: FakeClock;
  let cluster: KubeClient;

  beforeEach(async () => {
    server = await ScriptedApiServer.start();
    directory = await mkdtemp(join(tmpdir(), 'credentials-'));
    clock = new FakeClock();
  });
  afterEach(async () => {
    await cluster.close();
    await server.stop();
    await rm(directory, { recursive: true });
  });

  async function connectAs(user: object): Promise<void> {
    const kubeconfig = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'one', cluster: { server: server.url } }],
      users: [{ name: 'one', user }],
      contexts: [{ name: 'one', context: { cluster: 'one', user: 'one' } }],
      'current-context': 'one',
    };
    const path = join(directory, 'kubeconfig');
    await writeFile(path, JSON.stringify(kubeconfig));
    cluster = createKubeClient(loadKubeConfig(path), { clock });
  }

  const ask = () => cluster.getJson('/api/v1/namespaces/toys').catch(explain);

  /** Sends one request, answered with this status; resolves to its credential. */
  async function sentWith(status = 200): Promise<string | undefined> {
    const answer = ask();
    const asked = await server.requests.next();
    if (status === 200) asked.json({});
    else asked.refuse(status, 'Unauthorized');
    await answer;
    return asked.headers.authorization as string | undefined;
  }

  describe('in a token file', () => {
    const write = (token: string) => writeFile(join(directory, 'token'), token);

    it('are read relative to the kubeconfig, and again after a minute', async () => {
      await write('first\n');
      await connectAs({ tokenFile: 'token', token: 'unused' });
      expect(await sentWith()).to.equal('Bearer first');
      await write('second\n');
      await clock.advance(59_999);
      expect(await sentWith()).to.equal('Bearer first');
      await clock.advance(1);
      expect(await sentWith()).to.equal('Bearer second');
    });

    it('are read again after a 401', async () => {
      await write('first');
      await connectAs({ tokenFile: 'token' });
      expect(await sentWith()).to.equal('Bearer first');
      await write('second');
      expect(await sentWith(401)).to.equal('Bearer first');
      expect(await sentWith()).to.equal('Bearer second');
    });

    it('cause an error that names the file if it is missing, unreadable or empty', async () => {
      const file = join(directory, 'token');
      await connectAs({ tokenFile: 'token' });
      expect(await ask()).to.equal(
        `The token file ${file} of the kubeconfig cannot be read: ENOENT: no such file or directory`,
      );
      await mkdir(file);
      expect(await ask()).to.equal(
        `The token file ${file} of the kubeconfig cannot be read: EISDIR: illegal operation on a directory, read`,
      );
      await rmdir(file);
      await write('\n');
      expect(await ask()).to.match(/^The token file .+\/token of the kubeconfig is empty$/);
    });
  });

  describe('of a plugin', () => {
    const runs = async () => (await readFile(join(directory, 'runs'), 'utf8')).trim().split('\n').length;

    /** A plugin that records each run; its n-th run returns "token-n". */
    async function plugin(status = '{"token":"token-%s"}'): Promise<{ exec: object }> {
      const command = join(directory, 'plugin');
      const script = [
        '#!/bin/sh',
        'echo "$KUBERNETES_EXEC_INFO" >> "$DIRECTORY/runs"',
        'n=$(wc -l < "$DIRECTORY/runs" | tr -d " ")',
        `printf '{"kind":"ExecCredential","status":${status}}' "$n"`,
      ];
      await writeFile(command, script.join('\n'));
      await chmod(command, 0o755);
      const apiVersion = 'client.authentication.k8s.io/v1';
      return {
        exec: { apiVersion, command, env: [{ name: 'DIRECTORY', value: directory }], provideClusterInfo: true },
      };
    }

    it('are obtained from a command relative to the kubeconfig, as with client-go', async () => {
      const { exec } = await plugin();
      await connectAs({ exec: { ...exec, command: './plugin' } });
      expect(await sentWith()).to.equal('Bearer token-1');
    });

    it('are obtained from a command without a slash in PATH', async () => {
      const { exec } = await plugin();
      const { PATH } = process.env;
      process.env.PATH = `${directory}:${PATH}`;
      await connectAs({ exec: { ...exec, command: 'plugin' } });
      expect(await sentWith()).to.equal('Bearer token-1');
      process.env.PATH = PATH;
    });

    it('are kept until the API server answers 401, after which the plugin runs again', async () => {
      await connectAs(await plugin());
      expect(await sentWith()).to.equal('Bearer token-1');
      expect(await sentWith(401)).to.equal('Bearer token-1');
      expect(await sentWith()).to.equal('Bearer token-2');
      expect(await sentWith()).to.equal('Bearer token-2');
    });

    it('are obtained once for simultaneous requests', async () => {
      await connectAs(await plugin());
      const answers = [ask(), ask(), ask()];
      for (const _ of answers) (await server.requests.next()).refuse(401, 'Unauthorized');
      await Promise.all(answers);
      expect(await runs()).to.equal(1);
      expect(await sentWith()).to.equal('Bearer token-2');
    });

    it('are obtained again when they expire', async () => {
      await connectAs(await plugin('{"token":"token-%s","expirationTimestamp":"2026-11-22T01:00:00Z"}'));
      expect(await sentWith()).to.equal('Bearer token-1');
      await clock.advance(59 * 60_000);
      expect(await sentWith()).to.equal('Bearer token-1');
      await clock.advance(60_000);
      expect(await sentWith()).to.equal('Bearer token-2');
    });

    it('are obtained as by client-go, without a terminal and with cluster information if the kubeconfig asks for it', async () => {
      await connectAs(await plugin());
      await sentWith();
      expect(JSON.parse(await readFile(join(directory, 'runs'), 'utf8'))).to.deep.equal({
        apiVersion: 'client.authentication.k8s.io/v1',
        kind: 'ExecCredential',
        spec: { interactive: false, cluster: { server: server.url } },
      });
    });

    it('cause an error with the name and output of a failing plugin, without secrets', async () => {
      await connectAs(await plugin('{"token":""}'));
      expect(await ask()).to.match(
        /^The credential plugin ".+\/plugin" of the kubeconfig printed no ExecCredential with a token or a client certificate$/,
      );
      await cluster.close();
      await connectAs({ exec: { command: 'sh', args: ['-c', 'echo "log in: password=hunter2" >&2; exit 1'] } });
      expect(await ask()).to.equal('The credential plugin "sh" of the kubeconfig failed: log in: password=[removed]');
      await cluster.close();
      await connectAs({ exec: { command: '/nowhere/plugin' } });
      expect(await ask()).to.contain('The credential plugin "/nowhere/plugin" of the kubeconfig failed: spawn');
    });
  });
});
