// Who operators are to Entra: one of the three ways that deploy/ knows. A run of the end-to-end tests is in the mode that
// IDENTITY_MODE names, and the same scenarios pass in each.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Spec } from '../src/api/registryreplication.ts';
import { operatorAccount } from './deployment.ts';
import type { ArmEmulator } from './emulators/arm/emulator.ts';
import type { FederatedCredential } from './emulators/arm/tokens.ts';
import { accountName, createServiceAccount, federatedWith, letTheOperatorMint, tokenOf } from './federation.ts';
import type { Stage } from './test-environment.ts';

/** What operators have: a secret; a file with a token of their ServiceAccount; or nothing, so that each object brings its own. */
const modes = ['client-secret', 'workload-identity', 'service-account'] as const;
export type IdentityMode = (typeof modes)[number];

export interface Identity {
  /** Put over the environment of operators. */
  readonly env: Readonly<Record<string, string>>;
  /** Flags of operators. */
  readonly args: readonly string[];
  /** What objects say of it in their spec. */
  readonly ofObjects: Pick<Spec, 'identity'>;
  /** As operators name it where Azure refuses it something. */
  readonly whose: string;
  /** Makes what objects of this namespace need for it; the namespace is there. */
  admit(namespace: string): Promise<void>;
}

interface Place extends Pick<Stage, 'kubectl' | 'kubernetes'> {
  readonly arm: ArmEmulator;
  /** For files that operators read. */
  readonly directory: string;
}

/** The mode that this run is in. */
export function modeOfThisRun(): IdentityMode {
  const named = process.env.IDENTITY_MODE || 'client-secret';
  const mode = modes.find((one) => one === named);
  if (!mode) throw new Error(`IDENTITY_MODE: must be one of ${modes.join(', ')}, not ${JSON.stringify(named)}`);
  return mode;
}

/** Resolves once operators can be started with it. */
export function identityOf(mode: IdentityMode, place: Place): Promise<Identity> {
  return { 'client-secret': byClientSecret, 'workload-identity': byTokenFile, 'service-account': ofObjects }[mode](
    place,
  );
}

const operators = { args: [], ofObjects: {}, whose: "the operator's identity", admit: async () => {} };

async function byClientSecret(): Promise<Identity> {
  return { ...operators, env: {} };
}

async function byTokenFile(place: Place): Promise<Identity> {
  const { arm, kubernetes, directory } = place;
  if (!kubernetes.hasRoles) await createServiceAccount(place, operatorAccount);
  arm.register(arm.environment.AZURE_CLIENT_ID ?? '', [federatedWith(operatorAccount)]);
  const file = join(directory, 'azure-identity-token');
  await writeFile(file, await tokenOf(kubernetes.kubeconfig, operatorAccount), { mode: 0o600 });
  return {
    ...operators,
    env: { AZURE_CLIENT_SECRET: '', AZURE_FEDERATED_TOKEN_FILE: file },
  };
}

/** The client is the same in every namespace, and the one that operators are in the other modes. */
async function ofObjects(place: Place): Promise<Identity> {
  const { AZURE_CLIENT_ID: client = '', AZURE_TENANT_ID: tenant = '' } = place.arm.environment;
  const admitted = new Map<string, Promise<void>>();
  const federated: FederatedCredential[] = [];
  const make = async (namespace: string) => {
    const account = { namespace, name: accountName };
    federated.push(federatedWith(account));
    place.arm.register(client, federated);
    await createServiceAccount(place, account, { client, tenant });
    await letTheOperatorMint(place, namespace);
  };
  return {
    env: { AZURE_TENANT_ID: '', AZURE_CLIENT_ID: '', AZURE_CLIENT_SECRET: '' },
    args: ['--default-identity=deny'],
    ofObjects: { identity: { serviceAccountName: accountName } },
    whose: `the identity of ServiceAccount default/${accountName}`,
    admit(namespace) {
      const made = admitted.get(namespace) ?? make(namespace);
      admitted.set(namespace, made);
      return made;
    },
  };
}
