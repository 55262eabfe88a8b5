// Installs, upgrades and removes the operator with Helm, most of it at a real API server. No pods run: the operator is a process, started as the
// Deployment in the API server says and with the rights of its ServiceAccount.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse, stringify } from 'yaml';
import { describeWithKubectl } from '../e2e/with-kubectl.ts';
import { type FreshClone, startFreshClone } from '../fresh-clone.ts';
import { root } from '../manifests.ts';
import { commandsIn } from '../markdown.ts';

const release = 'acr-replication-operator deploy/chart -n acr-replication-system';
// As Helm does by itself; the clone's shell adds what an old API server needs only where this is not said.
const serverSide = '--server-side=true';
const install = `helm install ${release} --create-namespace ${serverSide}`;
const upgrade = `helm upgrade ${release} ${serverSide}`;
const uninstall = 'helm uninstall acr-replication-operator -n acr-replication-system';
const readme = await readFile(join(root, 'README.md'), 'utf8');
const page = await readFile(join(root, 'docs/install.md'), 'utf8');
const crdFile = 'registryreplications.yaml';
const crdName = 'registryreplications.georeplication.dev';
const deploymentArgs =
  "kubectl get deployment acr-replication-operator -n acr-replication-system -o 'jsonpath={.spec.template.spec.containers[0].args}'";
const envFrom = deploymentArgs.replace('.args', '.envFrom');
const withSecret =
  'kubectl create secret generic azure-credentials -n acr-replication-system ' +
  '--from-literal=AZURE_TENANT_ID=TENANT --from-literal=AZURE_CLIENT_ID=APP_ID --from-literal=AZURE_CLIENT_SECRET=PASSWORD';

interface Crd {
  readonly spec: { readonly versions: readonly [{ readonly schema: { readonly openAPIV3Schema: Schema } }] };
}
interface Schema {
  readonly properties: { readonly spec: { readonly properties: Record<string, unknown> } };
}

/** Server-side apply takes no field that the API server does not know, and those before 1.23 know no CEL rules. */
async function withoutRules(clone: FreshClone): Promise<Crd> {
  const text = await readFile(join(root, 'crds', crdFile), 'utf8');
  const crd = JSON.parse(JSON.stringify(parse(text)), (key, value) =>
    key === 'x-kubernetes-validations' ? undefined : value,
  ) as Crd;
  await writeFile(join(clone.directory, 'crds', crdFile), stringify(crd));
  await writeCrd(clone, crd);
  return crd;
}

async function writeCrd(clone: FreshClone, crd: Crd): Promise<void> {
  await writeFile(join(clone.directory, 'deploy/chart/files', crdFile), stringify(crd));
}

/** As of a time before `spec.regionsFrom`. */
function older(crd: Crd): Crd {
  const copy = structuredClone(crd);
  delete copy.spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.regionsFrom;
  return copy;
}

const uid = "kubectl get georep myacr0007 -n registries -o 'jsonpath={.metadata.uid}'";
const writesTo = (clone: FreshClone) =>
  [...clone.arm.journal.writes].map(({ method, replica }) => `${method} ${replica}`).toSorted();
const created = ['PUT japaneast', 'PUT westeurope'];

/** Whether there are Deployments and Secrets, in which Helm keeps its releases. */
const isReal = Boolean(process.env.KUBEBUILDER_ASSETS);

describeWithKubectl(`the chart without a release${isReal ? '' : ', as far as the emulated API server goes'}`, () => {
  let clone: FreshClone;

  before(async () => {
    clone = await startFreshClone();
    if (isReal) await withoutRules(clone);
  });
  after(() => clone?.close());

  it('is applied by kubectl with the commands of docs/install.md', async () => {
    const [namespace = '', template = ''] = commandsIn(page, 'Without a release in the cluster');
    await clone.run(namespace);
    const errors = await clone.run(template).then(
      () => '',
      (error: { stderr: string }) => error.stderr,
    );
    const unserved = [...errors.matchAll(/no matches for kind "(\w+)"/g)].map(([, kind]) => kind);
    expect(errors.match(/^(error|Error|resource).*/gm) ?? []).to.have.length(unserved.length);
    expect(unserved.includes('Deployment')).to.equal(!isReal);
    await clone.run(`kubectl wait --for=condition=Established crd/${crdName}`);
  });

  it('lets a first object observe its registry', async () => {
    if (isReal) await clone.run(withSecret);
    await clone.startOperator();
    await clone.run('kubectl create namespace registries');
    await clone.run("kubectl kustomize deploy/samples | sed 's/^spec:/&\\n  mode: Observe/' | kubectl apply -f -");
    await clone.run(
      "kubectl wait georep -n registries myacr0007 --for=jsonpath='{.status.phase}'=Observing --timeout=5m",
    );
    expect(
      await clone.run("kubectl get georep -n registries myacr0007 -o 'jsonpath={.status.plan[*].location}'"),
    ).to.equal('japaneast westeurope');
    expect(writesTo(clone)).to.deep.equal([]);
  });
});

if (isReal)
  describeWithKubectl('Helm, at a real API server', () => {
    let clone: FreshClone;
    let crd: Crd;

    before(async () => {
      clone = await startFreshClone();
      crd = await withoutRules(clone);
    });
    after(() => clone?.close());

    const schema = async () => {
      const stored = JSON.parse(await clone.run(`kubectl get crd ${crdName} -o json`)) as Crd;
      return stored.spec.versions[0].schema;
    };

    it('shows what it would install, and installs nothing in a dry run', async () => {
      expect(await clone.run(`${install} --dry-run=server`)).to.contain('\nkind: Deployment\n');
      expect(await clone.run('kubectl get crd,clusterroles -o name'))
        .not.to.contain('acr-replication')
        .and.not.to.contain(crdName);
    });

    it('installs an operator that makes an object Ready', async () => {
      await writeCrd(clone, older(crd));
      await clone.run(install);
      await clone.run(withSecret);
      await clone.run('kubectl create namespace registries');
      await clone.run('kubectl apply -k deploy/samples');
      await clone.run('kubectl get georep -A -w');
      expect(writesTo(clone)).to.deep.equal(created);
    });

    it('upgrades the settings, and the CRD of an older version', async () => {
      await writeCrd(clone, crd);
      const change = `${upgrade} --set flags.interval=20m`;
      expect(await clone.run(`${change} --dry-run=server`)).to.contain('--interval=20m');
      expect(await clone.run(deploymentArgs)).not.to.contain('interval');
      expect(await schema()).to.deep.equal(older(crd).spec.versions[0].schema);
      await clone.run(change);
      expect(await clone.run(deploymentArgs)).to.contain('--interval=20m');
      expect(await schema()).to.deep.equal(crd.spec.versions[0].schema);
    });

    it('goes back to an older version, and leaves the newer CRD, with crds.install=false', async () => {
      await writeCrd(clone, older(crd));
      await clone.run(`${upgrade} --set crds.install=false,flags.interval=20m`);
      expect(await schema()).to.deep.equal(crd.spec.versions[0].schema);
      await writeCrd(clone, crd);
    });

    it('lets objects follow nodes with the command of the README', async () => {
      const [command = ''] = commandsIn(readme, 'Regions that follow what runs');
      await clone.run(`${command} ${serverSide} --set crds.install=true`);
      expect(await clone.run(deploymentArgs))
        .to.contain('--region-sources=nodes')
        .and.to.contain('--interval=20m');
    });

    it('installs a second release beside it, which has another name and namespace', async () => {
      const values = 'fullnameOverride=second,watchNamespaces={second},crds.install=false';
      await clone.run(`helm install second deploy/chart -n second --create-namespace ${serverSide} --set '${values}'`);
      expect(await clone.run('kubectl get deployments -A -o name')).to.equal(
        'deployment.apps/acr-replication-operator\ndeployment.apps/second\n',
      );
      await clone.run('helm uninstall second -n second --dry-run');
    });

    it('keeps the CRD and the objects when it is uninstalled, and takes them on when it is installed again', async () => {
      const before = await clone.run(uid);
      await clone.run(`${uninstall} --dry-run`);
      expect(await clone.run(deploymentArgs)).to.contain('--leader-elect');
      expect(await clone.run(uninstall)).to.contain(`[CustomResourceDefinition] ${crdName}`);
      expect(await clone.run('kubectl get deployments -n acr-replication-system -o name')).to.equal('');
      await clone.run(install);
      await clone.run('kubectl get georep -A -w');
      expect(await clone.run(uid)).to.equal(before);
      expect(writesTo(clone)).to.deep.equal(created);
    });

    it('with crds.keep=false: deletes the CRD and the objects, and keeps the replicas while the operator runs', async () => {
      await clone.startOperator();
      await clone.run(`${upgrade} --set crds.keep=false`);
      await clone.run(`${upgrade} --set crds.install=false`);
      await clone.run(`kubectl wait --for=delete crd/${crdName}`);
      expect(writesTo(clone)).to.deep.equal(created);
    });

    it('with crds.keep=false: uninstalls the CRD too', async () => {
      await clone.run(`${upgrade} --set crds.keep=false`);
      await clone.run(uninstall);
      await clone.run(`kubectl wait --for=delete crd/${crdName}`);
    });

    it('does not take over by itself what kubectl owns', async () => {
      await clone.run('kubectl apply -k crds');
      await clone.run(`kubectl wait --for=condition=Established crd/${crdName}`);
      for (const folder of ['deploy', 'deploy/samples']) await clone.run(`kubectl apply -k ${folder}`);
      const refusal = await clone.run(`${install} --take-ownership`).catch(String);
      expect(refusal).to.contain('conflict with "kubectl-client-side-apply"');
      // Of the failed release.
      await clone.run('kubectl delete secret -n acr-replication-system -l owner=helm');
    });

    it('takes over from kubectl with the commands of docs/install.md, and the object stays as it is', async () => {
      const before = await clone.run(uid);
      for (const command of commandsIn(page, 'From kubectl to Helm')) await clone.run(command);
      expect(await clone.run(uid)).to.equal(before);
      expect(writesTo(clone)).to.deep.equal(created);
    });

    it('then owns every field, so that an upgrade also removes', async () => {
      expect(await clone.run(envFrom)).to.contain('azure-credentials');
      await clone.run(`${upgrade} --set azure.identity=ManagedIdentity`);
      expect(await clone.run(envFrom)).to.equal('');
    });
  });
