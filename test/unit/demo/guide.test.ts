import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import { followGuideText, guideText, nothingLeftText } from '../../demo/guide.ts';
import { shellText } from '../../demo/shell.ts';
import { packageVersion } from '../../manifests.ts';

describe('the guide of the demo', () => {
  const where = {
    shellFile: '/work/.demo/env',
    objectFile: '/work/.demo/myacr0007.yaml',
    namespace: 'registries',
    name: 'myacr0007',
    log: '/work/.demo/operator.log',
    faultsPage: '/work/docs/troubleshooting.md',
    hasKubectl: true,
  };

  it('shows the file to source and every command worth trying', () => {
    const text = guideText(where);
    expect(text).to.include('  . /work/.demo/env\n');
    for (const command of [
      'get georep -A\n',
      '-o wide',
      '-w\n',
      'describe',
      'edit',
      'patch',
      'wait',
      'delete',
      'arm ',
      'push ',
      'georep image',
    ])
      expect(text).to.include(command);
  });

  it('quotes a path that a shell would split', () => {
    expect(guideText({ ...where, shellFile: "/it's mine/env" })).to.include(`. '/it'\\''s mine/env'`);
  });

  it('says where to get kubectl if there is none', () => {
    expect(guideText({ ...where, hasKubectl: false })).to.include('https://kubernetes.io/docs/tasks/tools');
  });

  it('shows with --follow how nodes move, and what is kept when the last one goes', () => {
    const text = followGuideText(where);
    expect(text).to.include('  . /work/.demo/env\n');
    for (const command of [
      'get nodes -L',
      'label node web-1',
      'region=us-east-1',
      'delete node web-1',
      'delete georep',
    ])
      expect(text).to.include(command);
  });

  it('says what to apply when the last object is gone', () => {
    expect(nothingLeftText(where.objectFile)).to.include('kubectl apply -f /work/.demo/myacr0007.yaml');
  });
});

describe('the file to source', () => {
  const text = shellText({
    kubeconfig: "/it's mine/kubeconfig",
    curlConfig: '/it is mine/azure.curl',
    registryUrl: 'https://127.0.0.1:1/registries/myACR0007',
    emulatorUrl: 'https://127.0.0.1:1/emulator',
    pushUrl: 'https://127.0.0.1:2/emulator/images',
    pluginEnv: { HTTPS_PROXY: 'http://127.0.0.1:3', AZURE_CLIENT_SECRET: "it's mine" },
  });
  /** What curl is called with, one argument per line. */
  const curlOf = (command: string) =>
    execFileSync('sh', ['-eu'], { input: `${text}curl() { printf '%s\\n' "$@"; }\n${command}`, encoding: 'utf8' })
      .trimEnd()
      .split('\n');

  it('sets KUBECONFIG, in any folder', () => {
    expect(curlOf('printf "%s" "$KUBECONFIG"')).to.deep.equal(["/it's mine/kubeconfig"]);
  });

  it('defines arm, which adds the registry before the path and the version after it', () => {
    const url = 'https://127.0.0.1:1/registries/myACR0007/replications/japaneast?api-version=2025-11-01';
    expect(curlOf('arm /replications/japaneast -X DELETE')).to.deep.equal([
      ...['-K', '/it is mine/azure.curl', url],
      ...['-X', 'DELETE'],
    ]);
  });

  it('defines push, which takes an image', () => {
    expect(curlOf('push team/web:1')).to.deep.equal([
      ...['-K', '/it is mine/azure.curl', '-X', 'POST'],
      'https://127.0.0.1:2/emulator/images/team/web:1',
    ]);
  });

  it('defines georep, which runs the plugin with the credential for the emulated Azure', () => {
    expect(curlOf('georep --version')).to.deep.equal([packageVersion]);
  });

  it('defines emulator, which needs no path', () => {
    expect(curlOf('emulator')).to.deep.equal(['-K', '/it is mine/azure.curl', 'https://127.0.0.1:1/emulator']);
    expect(curlOf(`emulator /changes -d '{"a": 1}'`).slice(2)).to.deep.equal([
      'https://127.0.0.1:1/emulator/changes',
      ...['-d', '{"a": 1}'],
    ]);
  });
});
