// The demo as a process, and a shell beside it, as a person uses both.
import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { root } from '../manifests.ts';

export interface DemoProcess {
  /** Of its files; the name has a space. */
  readonly directory: string;
  /** What it has printed so far. */
  output(): string;
  /** Resolves when the demo has printed the text `times` times, whatever the width of its columns. */
  said(text: string, times?: number): Promise<void>;
  /** The commands of the guide: its indented lines that are no change. */
  guide(): string[];
  /** Runs a command in a shell that has sourced `env`, in another folder. Rejects if it fails. */
  shell(command: string): Promise<string>;
  /** Resolves to the exit code. */
  interrupt(): Promise<number | null>;
  close(): Promise<void>;
}

/** Faster than people watch: no test here is about the states between. */
export async function startDemo(flags: readonly string[]): Promise<DemoProcess> {
  const directory = await mkdtemp(join(tmpdir(), 'the demo-'));
  const args = ['test/demo.ts', '--speed', '8', '--directory', directory, ...flags];
  const demo: ChildProcessByStdio<null, Readable, null> = spawn(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  demo.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  return {
    directory,
    output: () => output,
    async said(text, times = 1) {
      while (output.replaceAll(/ +/g, ' ').split(text).length <= times) {
        if (demo.exitCode !== null) throw new Error(`The demo ended before it said "${text}": ${output}`);
        await once(demo.stdout, 'data');
      }
    },
    guide: () => output.split('\n').flatMap((line) => /^ {2}([.a-z].*)$/.exec(line)?.[1] ?? []),
    async shell(command) {
      const script = `. '${directory}/env'\n${command}`;
      const env = { ...process.env, KUBE_EDITOR: 'true', KUBECACHEDIR: join(directory, 'cache') };
      const { stdout } = await promisify(execFile)('sh', ['-euc', script], { cwd: '/', env });
      expect(stdout, command).not.to.match(/^\{\s*"error"/);
      return stdout;
    },
    async interrupt() {
      demo.kill('SIGINT');
      const [code] = (await once(demo, 'close')) as [number | null];
      return code;
    },
    async close() {
      if (demo.exitCode === null) {
        demo.kill('SIGKILL');
        await once(demo, 'close');
      }
      await rm(directory, { recursive: true, force: true });
    },
  };
}
