// Follows the install section of the README, and the other way and the removal in docs/install.md, command by command: the commands are
// read from the pages, so that neither can change without the other.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { faultsOfAz } from '../az-commands.ts';
import { describeWithKubectl } from '../e2e/with-kubectl.ts';
import { azAnswer, azClientId, type FreshClone, startFreshClone } from '../fresh-clone.ts';
import { packageVersion, root } from '../manifests.ts';
import { commandsIn } from '../markdown.ts';

const readme = await readFile(join(root, 'README.md'), 'utf8');
const page = await readFile(join(root, 'docs/install.md'), 'utf8');
const install = commandsIn(readme, 'Install in five minutes');
const onAks = commandsIn(page, 'On AKS without a secret');
const removal = commandsIn(page, 'Remove everything');
const withPassword = commandsIn(page, 'An image that needs a password');
const isOfAzure = (command: string) => !/^(kubectl|helm) /.test(command);

/** The installation and the removal with each tool. */
const ways = {
  Helm: { install, removal },
  kubectl: {
    install: [
      ...commandsIn(page, 'Install with kubectl'),
      ...install.slice(install.findIndex((command) => command.startsWith('helm install')) + 1),
    ],
    removal: [...commandsIn(page, 'Remove everything with kubectl'), ...removal.filter(isOfAzure)],
  },
};

/** Whether there are Deployments, secrets and roles. */
const isReal = Boolean(process.env.KUBEBUILDER_ASSETS);

// The emulated API server has no Secrets, which hold Helm's releases.
for (const way of isReal ? (['Helm', 'kubectl'] as const) : (['kubectl'] as const))
  describeWithKubectl(
    `the documented installation with ${way}${isReal ? '' : ', as far as the emulated API server goes'}`,
    () => {
      const { install, removal } = ways[way];
      let clone: FreshClone;

      before(async () => {
        clone = await startFreshClone();
      });
      after(() => clone?.close());

      const needsRealOne = (command: string) => /^kubectl .*(-k deploy( |$)|-system)/.test(command);

      /** One test for each command, in the order of the page; az and docker are stand-ins. */
      function follow(commands: readonly string[]): void {
        for (const command of commands.filter((command) => isReal || !needsRealOne(command)))
          it(`$ ${command}`, async () => {
            await clone.run(command);
          });
      }

      follow(install);

      it('gives the registry its replicas', async () => {
        expect(await clone.run('kubectl get georep -n registries')).to.match(/^myacr0007 +myACR0007 +Ready +2\/2 /m);
        const written = [...clone.arm.journal.writes].map(({ method, replica }) => `${method} ${replica}`);
        expect(written).to.have.members(['PUT japaneast', 'PUT westeurope']);
      });

      it('names the image that was pushed, and the resource group', async () => {
        const [, pushed] = await clone.callsOf('docker');
        const made = isReal ? 'kubectl get deployments -n acr-replication-system -o yaml' : 'kubectl kustomize deploy';
        expect(await clone.run(made)).to.contain(`image: ${pushed?.at(-1)}\n`);
        const role = JSON.parse(await readFile(join(clone.directory, 'deploy/azure-role.json'), 'utf8')) as object;
        expect(role).to.have.property('AssignableScopes').that.deep.equals([azAnswer]);
      });

      if (isReal)
        it('lets the pods pull an image that needs a password', async () => {
          for (const command of withPassword) await clone.run(command);
          const account = await clone.run(
            'kubectl -n acr-replication-system get serviceaccount acr-replication-operator -o yaml',
          );
          expect(account).to.match(/imagePullSecrets:\n- name: image-pull\n/);
        });

      it('needs from AKS, in the other section, what azure-cli knows', async () => {
        let rendered = '';
        for (const command of onAks.filter((command) => !command.startsWith('kubectl')))
          rendered += await clone.run(command.replace(/^helm install(.*) --create-namespace/, 'helm template$1'));
        expect(rendered).to.contain(`client-id: ${azClientId}\n`);
        expect(rendered).to.contain(`image: "myacr0007.azurecr.io/acr-replication-operator:${packageVersion}"\n`);
      });

      follow(removal);

      it('leaves nothing of it: no replica, and no resource in the cluster', async () => {
        expect([...clone.arm.journal.writes].map(({ method }) => method).toSorted()).to.deep.equal([
          'DELETE',
          'DELETE',
          'PUT',
          'PUT',
        ]);
        expect(await clone.run('kubectl get crd -o name')).to.equal('');
        if (isReal)
          expect(await clone.run('kubectl get clusterroles,clusterrolebindings -o name')).not.to.match(
            /registryreplication|acr-replication/,
          );
      });

      it('calls az with commands and options that azure-cli has, and nothing empty', async () => {
        const calls = await clone.callsOf('az');
        expect(calls).to.have.length.above(12);
        expect(calls.flatMap(faultsOfAz)).to.deep.equal([]);
      });
    },
  );
