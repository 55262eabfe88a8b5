import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { parse } from 'yaml';
import manifest from '../../../package.json' with { type: 'json' };
import { createKubeClient } from '../../../src/kubernetes/client/client.ts';
import type { Definition } from '../../../src/kubernetes/client/crd-fields.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { crdDifferences, reportInstalledCrd } from '../../../src/operator/installed-crd.ts';
import { type Asked, ScriptedApiServer } from '../kubernetes/client/scripted-api-server.ts';

const { version } = manifest;
const read = () => parse(readFileSync(new URL('../../../crds/registryreplications.yaml', import.meta.url), 'utf8'));

/** The operator's own CRD with other properties of spec or status, and of another version. */
function changed(part: 'spec' | 'status', change: (properties: Record<string, unknown>) => object): Definition {
  const crd = read();
  const schema = crd.spec.versions[0].schema.openAPIV3Schema.properties[part];
  schema.properties = change(schema.properties);
  crd.metadata.annotations['georeplication.dev/version'] = '0.9.0';
  return crd;
}

describe("the installed CRD, compared with the operator's", () => {
  it('is not mentioned when it is the same', () => {
    expect(read().metadata.annotations).to.include({ 'georeplication.dev/version': version });
    expect(crdDifferences(read())).to.deep.equal([]);
  });

  it('lacks fields: both versions, what follows, and what to do', () => {
    const older = changed('spec', ({ regionsFrom: _, keepUnused: __, ...properties }) => properties);
    expect(crdDifferences(older)).to.deep.equal([
      {
        level: 'warn',
        sentence: `The CRD registryreplications.georeplication.dev (version 0.9.0) lacks what this operator (version ${version}) uses: spec.regionsFrom, spec.keepUnused. The API server drops such fields and refuses such values: what objects ask for with them is not done, and the status is incomplete. Apply the CRD of version ${version}: with helm upgrade, crds.yaml of the release, or kubectl apply -k crds`,
      },
    ]);
  });

  it('has spec fields that the operator does not know: it warns', () => {
    const newer = changed('spec', (properties) => ({ ...properties, shield: {}, sword: {} }));
    expect(crdDifferences(newer)).to.deep.equal([
      {
        level: 'warn',
        sentence: `The CRD registryreplications.georeplication.dev (version 0.9.0) has what this operator (version ${version}) does not know and ignores: spec.shield, spec.sword. Upgrade the operator to the version of the CRD`,
      },
    ]);
  });

  it('has status fields of a newer operator, which matters less', () => {
    const newer = changed('status', (properties) => ({ ...properties, mood: {} }));
    expect(crdDifferences(newer).map(({ level }) => level)).to.deep.equal(['info']);
  });

  it('may lack all fields: a few are named, the others counted', () => {
    const empty = changed('status', () => ({}));
    const [{ sentence = '' } = {}] = crdDifferences(empty);
    expect(sentence).to.match(/uses: (status\.\w+, ){4}status\.\w+ and \d+ more\. /);
    const other: Definition = { spec: { versions: [] } };
    expect(crdDifferences(other)[0]?.sentence).to.match(/\(without a version\) lacks .* uses: spec, status\. /);
  });

  it('is logged in one line, and not being able to read it is no failure', async () => {
    const server = await ScriptedApiServer.start();
    const cluster = createKubeClient(server.kubeConfig);
    const lines: string[] = [];
    const write = (level: string) => (_: object, sentence: string) => void lines.push(`${level} ${sentence}`);
    const log = { ...silentLog, info: write('info'), warn: write('warn') };
    const report = async (answer: (asked: Asked) => void) => {
      const reported = reportInstalledCrd(cluster, log);
      answer(await server.requests.next());
      await reported;
      return lines.splice(0);
    };
    try {
      expect(await report((asked) => asked.json(read()))).to.deep.equal([]);
      const older = changed('spec', ({ keepUnused: _, ...properties }) => properties);
      expect(await report((asked) => asked.json(older))).to.have.length(1);
      expect(await report((asked) => asked.refuse(403, 'forbidden'))).to.deep.equal([
        "info The CRD registryreplications.georeplication.dev cannot be compared with this operator's own: the API server answered 403 Forbidden: forbidden",
      ]);
    } finally {
      await cluster.close();
      await server.stop();
    }
  });
});
