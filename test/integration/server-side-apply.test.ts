// kubectl's server-side apply and diff, on the emulator and, with KUBEBUILDER_ASSETS, on a real API server.
import { expect } from 'chai';
import { parse } from 'yaml';
import { startCluster, type TestCluster } from '../cluster.ts';
import { type KubectlOutcome, kubectl, missingKubectl } from '../emulators/kubectl.ts';

const missing = missingKubectl();

interface Spec {
  readonly regions: readonly { readonly location: string }[];
  readonly mode?: string;
  readonly suspend?: boolean;
  readonly interval?: string;
}

/** A manifest with these regions and further lines of the spec. */
const manifest = (regions: string[], spec = '', metadata = '') => `
apiVersion: georeplication.dev/v1alpha1
kind: RegistryReplication
metadata: {name: myacr0007${metadata}}
spec:
  registry: {subscriptionId: 00000000-0000-0000-0000-000000000000, resourceGroup: rg, name: myACR0007}
  regions: [${regions.map((location) => `{location: ${location}}`).join(', ')}]
${spec}`;

interface ManagedFields {
  readonly manager: string;
  readonly operation: string;
  readonly subresource?: string;
  readonly fieldsV1: { readonly [field: string]: object };
}

const region = (location: string) => ({ [`k:{"location":"${location}"}`]: { '.': {}, 'f:location': {} } });
const registry = { 'f:registry': { 'f:name': {}, 'f:resourceGroup': {}, 'f:subscriptionId': {} } };

describe(`server-side apply and diff${missing ? ` (pending: ${missing})` : ''}`, () => {
  let cluster: TestCluster;

  before(async function () {
    if (missing) this.skip();
    cluster = await startCluster();
  });
  after(() => cluster?.close());
  afterEach(() => run('delete georep --all'));

  const run = (args: string, input?: string, env?: Record<string, string>): Promise<KubectlOutcome> =>
    kubectl(cluster.kubeconfig, args.split(' '), { ...(input !== undefined && { input }), ...(env && { env }) });

  /** The output of a command that must succeed. */
  async function succeed(args: string, input?: string, env?: Record<string, string>): Promise<string> {
    const { code, stdout, stderr } = await run(args, input, env);
    expect(code, stderr).to.equal(0);
    return stdout;
  }

  const apply = (input: string, flags = '') => succeed(`apply --server-side${flags} -f -`, input);
  const get = async () => JSON.parse(await succeed('get georep myacr0007 -o json --show-managed-fields'));
  const spec = async (): Promise<Spec> => (await get()).spec;
  const locations = async () => (await spec()).regions.map(({ location }) => location).sort();

  /** The fields of a manager, as `kubectl get -o yaml --show-managed-fields` prints them. */
  async function fieldsOf(manager: string): Promise<ManagedFields['fieldsV1'] | undefined> {
    const { metadata } = parse(await succeed('get georep myacr0007 -o yaml --show-managed-fields'));
    return (metadata.managedFields as ManagedFields[]).find((entry) => entry.manager === manager)?.fieldsV1;
  }

  describe('apply --server-side', () => {
    it('creates an object, and lists what its manager applied', async () => {
      expect(await apply(manifest(['japaneast']))).to.match(/myacr0007 serverside-applied/);
      expect(await fieldsOf('kubectl')).to.deep.equal({
        'f:spec': { ...registry, 'f:regions': region('japaneast') },
      });
      expect(await spec()).to.include({ mode: 'Manage', suspend: false });
    });

    it('changes nothing when it applies the same again', async () => {
      await apply(manifest(['japaneast']));
      // The first update stores the defaults of the status, which a creation does not.
      await apply(manifest(['japaneast']));
      const { metadata } = await get();
      await apply(manifest(['japaneast']));
      expect((await get()).metadata).to.deep.equal(metadata);
    });

    it('removes what the manager no longer applies', async () => {
      await apply(manifest(['japaneast', 'westus'], '  interval: 10m', ', labels: {team: web}'));
      await apply(manifest(['japaneast']));
      expect(await locations()).to.deep.equal(['japaneast']);
      expect(await spec()).to.not.have.property('interval');
      expect((await get()).metadata).to.not.have.property('labels');
    });

    it('refuses to change the fields of another manager, in the API server’s words', async () => {
      await apply(manifest(['japaneast'], '  suspend: true\n  mode: Observe'));
      const other = await run(
        'apply --server-side --field-manager=flux -f -',
        manifest(['japaneast'], '  suspend: false'),
      );
      expect(other.code).to.equal(1);
      expect(other.stderr).to.match(/^error: Apply failed with 1 conflict: conflict with "kubectl": \.spec\.suspend\n/);
      expect(other.stderr).to.match(/re-run the apply\n {2}command with the `--force-conflicts` flag/);
      const both = manifest(['japaneast'], '  suspend: false\n  mode: Manage');
      const { stderr } = await run('apply --server-side --field-manager=flux -f -', both);
      expect(stderr).to.match(
        /failed with 2 conflicts: conflicts with "kubectl":\n- \.spec\.mode\n- \.spec\.suspend\n/,
      );
      expect(await spec()).to.include({ suspend: true, mode: 'Observe' });
      expect(await fieldsOf('flux')).to.equal(undefined);
    });

    it('takes the fields with --force-conflicts', async () => {
      await apply(manifest(['japaneast'], '  suspend: true'));
      await apply(manifest(['japaneast'], '  suspend: false'), ' --field-manager=flux --force-conflicts');
      expect(await spec()).to.include({ suspend: false });
      expect((await fieldsOf('flux'))?.['f:spec']).to.have.property('f:suspend');
      expect((await fieldsOf('kubectl'))?.['f:spec']).to.not.have.property('f:suspend');
    });

    it('lets managers share a field, which stays until the last one leaves it', async () => {
      await apply(manifest(['japaneast'], '  suspend: true'));
      await apply(manifest(['japaneast'], '  suspend: true'), ' --field-manager=flux');
      await apply(manifest(['japaneast']));
      expect(await spec()).to.include({ suspend: true });
      await apply(manifest(['japaneast']), ' --field-manager=flux');
      expect(await spec()).to.include({ suspend: false });
    });

    it('merges the regions by location, each with its own managers', async () => {
      await apply(manifest(['japaneast', 'eastus']));
      await apply(manifest(['westus', 'eastus']), ' --field-manager=flux');
      expect(await locations()).to.deep.equal(['eastus', 'japaneast', 'westus']);
      await apply(manifest(['japaneast']));
      expect(await locations()).to.deep.equal(['eastus', 'japaneast', 'westus']);
      await apply(manifest(['westus']), ' --field-manager=flux');
      expect(await locations()).to.deep.equal(['japaneast', 'westus']);
    });

    it('refuses fields, types and keys that the schema does not have', async () => {
      const refused = async (text: string) => (await run('apply --server-side --validate=false -f -', text)).stderr;
      const unknown = await refused(manifest(['japaneast'], '  speling: 1'));
      expect(unknown).to.match(/failed to create typed patch object.*: \.spec\.speling: field not declared in schema/);
      expect(await refused(manifest(['japaneast'], '  suspend: 1'))).to.match(/\.spec\.suspend: expected boolean, got/);
      const twice = await refused(manifest(['japaneast', 'japaneast']));
      expect(twice).to.match(/\.spec\.regions: duplicate entries for key \[location="japaneast"\]/);
    });

    it('validates the result, and stores nothing that is invalid', async () => {
      const { code, stderr } = await run('apply --server-side -f -', manifest(['japaneast'], '  mode: Guess'));
      expect(code).to.equal(1);
      expect(stderr).to.match(
        /RegistryReplication "myacr0007" is invalid: [\s*]*spec\.mode: Unsupported value: "Guess"/,
      );
      expect((await run('get georep myacr0007')).stderr).to.match(/not found/);
    });

    it('stores nothing with --dry-run=server', async () => {
      await apply(manifest(['japaneast']), ' --dry-run=server');
      expect((await run('get georep myacr0007')).stderr).to.match(/not found/);
    });
  });

  describe('other writes', () => {
    it('own what they change: an edit, a patch, a label', async () => {
      await apply(manifest(['japaneast'], '  suspend: true'));
      await succeed('edit georep myacr0007', undefined, { KUBE_EDITOR: 'sed -i s/Manage/Observe/' });
      await succeed('patch georep myacr0007 --type=merge -p {"spec":{"suspend":false}}');
      await succeed('label georep myacr0007 team=web');
      expect(await fieldsOf('kubectl-edit')).to.deep.equal({ 'f:spec': { 'f:mode': {} } });
      expect(await fieldsOf('kubectl-patch')).to.deep.equal({ 'f:spec': { 'f:suspend': {} } });
      expect(await fieldsOf('kubectl-label')).to.deep.equal({
        'f:metadata': { 'f:labels': { '.': {}, 'f:team': {} } },
      });
      const { stderr } = await run('apply --server-side -f -', manifest(['japaneast'], '  suspend: true'));
      const conflict = 'conflict with "kubectl-patch" using georeplication.dev/v1alpha1: .spec.suspend';
      expect(stderr).to.include(`Apply failed with 1 conflict: ${conflict}`);
      await apply(manifest(['japaneast']));
      expect(await spec(), 'no longer of the manager, so not removed').to.include({ suspend: false, mode: 'Observe' });
    });

    it('through the status subresource own the status', async () => {
      await apply(manifest(['japaneast']));
      const patch = '{"status":{"conditions":[],"message":"x"}}';
      await succeed(`patch georep myacr0007 --subresource=status --field-manager=op --type=merge -p ${patch}`);
      expect(await fieldsOf('op')).to.deep.equal({ 'f:status': { 'f:conditions': {}, 'f:message': {} } });
      expect(await fieldsOf('kubectl')).to.deep.equal({ 'f:spec': { ...registry, 'f:regions': region('japaneast') } });
      await apply(manifest(['westus']));
      expect((await get()).status).to.include({ message: 'x' });
    });

    it('take the finalizer of one manager, and keep it when another applies', async () => {
      await apply(manifest(['japaneast']));
      const finalizer = '{"metadata":{"finalizers":["georeplication.dev/replicas"]}}';
      await succeed(`patch georep myacr0007 --field-manager=op --type=merge -p ${finalizer}`);
      expect(await fieldsOf('op')).to.deep.equal({
        'f:metadata': { 'f:finalizers': { '.': {}, 'v:"georeplication.dev/replicas"': {} } },
      });
      await apply(manifest(['westus']));
      expect((await get()).metadata.finalizers).to.deep.equal(['georeplication.dev/replicas']);
      await succeed('patch georep myacr0007 --type=merge -p {"metadata":{"finalizers":null}}');
    });
  });

  describe('client-side apply', () => {
    const clientSide = (text: string) => succeed('apply -f -', text);

    it('hands its fields over to --server-side, which then removes them too', async () => {
      await clientSide(manifest(['japaneast', 'eastus'], '  suspend: true\n  interval: 10m'));
      expect(await fieldsOf('kubectl-client-side-apply')).to.have.nested.property('f:spec.f:suspend');
      await apply(manifest(['japaneast', 'westus'], '  suspend: false'));
      expect(await locations()).to.deep.equal(['japaneast', 'westus']);
      expect(await spec())
        .to.include({ suspend: false })
        .and.not.have.property('interval');
      expect(await fieldsOf('kubectl-client-side-apply')).to.equal(undefined);
    });

    it('continues after --server-side, which keeps its annotation up to date', async () => {
      await clientSide(manifest(['japaneast'], '  suspend: true'));
      await apply(manifest(['japaneast'], '  suspend: true\n  interval: 10m'));
      expect(await succeed('diff -f -', manifest(['japaneast'], '  suspend: true\n  interval: 10m'))).to.equal('');
      await clientSide(manifest(['japaneast'], '  suspend: true'));
      expect(await spec())
        .to.include({ suspend: true })
        .and.not.have.property('interval');
    });

    it('leaves to other managers what they changed in the meantime', async () => {
      await clientSide(manifest(['japaneast'], '  suspend: true'));
      await succeed('patch georep myacr0007 --type=merge -p {"spec":{"suspend":false}}');
      const { code, stderr } = await run('apply --server-side -f -', manifest(['japaneast'], '  suspend: true'));
      expect(code).to.equal(1);
      expect(stderr).to.match(/conflict with "kubectl-patch" using georeplication\.dev\/v1alpha1: \.spec\.suspend/);
    });
  });

  for (const flags of ['', ' --server-side'])
    describe(`diff${flags}`, () => {
      const save = (text: string) => succeed(`apply${flags} -f -`, text);

      it('exits with 0 and prints nothing where nothing would change', async () => {
        await save(manifest(['japaneast']));
        expect(await succeed(`diff${flags} -f -`, manifest(['japaneast']))).to.equal('');
      });

      it('exits with 1 and shows the change, without making it', async () => {
        await save(manifest(['japaneast'], '  suspend: true'));
        const { metadata } = await get();
        const { code, stdout } = await run(`diff${flags} -f -`, manifest(['westus']));
        expect(code).to.equal(1);
        expect(stdout)
          .to.match(/^- {2}- location: japaneast$/m)
          .and.match(/^\+ {2}- location: westus$/m);
        expect(stdout)
          .to.match(/^- {2}suspend: true$/m)
          .and.match(/^\+ {2}suspend: false$/m);
        expect((await get()).metadata).to.deep.equal(metadata);
      });

      it('shows an object that is not there yet', async () => {
        const { code, stdout } = await run(`diff${flags} -f -`, manifest(['japaneast']));
        expect(code).to.equal(1);
        expect(stdout)
          .to.match(/^\+kind: RegistryReplication$/m)
          .and.match(/^\+ {2}- location: japaneast$/m);
        expect((await run('get georep myacr0007')).stderr).to.match(/not found/);
      });
    });
});
