// How operators authenticate to Entra: one of the three ways that deploy/ supports. The end-to-end tests run in the mode of
// IDENTITY_MODE and pass in each.
import type { Spec } from '../src/api/registryreplication.ts';
import type { TestCluster } from './cluster.ts';
import type { ArmEmulator } from './emulators/arm/emulator.ts';
import type { FederatedCredential } from './emulators/arm/tokens.ts';
import {
  accountName,
  allowTokenRequests,
  createServiceAccount,
  federatedCredentialFor,
  type Kubectl,
  writeOperatorToken,
} from './federation.ts';

/** A client secret; a file with a ServiceAccount token; or no identity of its own, so that each object brings one. */
const modes = ['client-secret', 'workload-identity', 'service-account'] as const;
export type IdentityMode = (typeof modes)[number];

export interface Identity {
  /** Overrides for the environment of operators. */
  readonly env: Readonly<Record<string, string>>;
  /** Flags of operators. */
  readonly args: readonly string[];
  /** The identity in the spec of objects. */
  readonly specFields: Pick<Spec, 'identity'>;
  /** The operators' name for the identity in messages about denials. */
  readonly label: string;
  /** Creates what objects in this existing namespace need for their identity. */
  admitNamespace(namespace: string): Promise<void>;
}

interface Setup {
  readonly kubectl: Kubectl;
  readonly kubernetes: TestCluster;
  readonly arm: ArmEmulator;
  /** For files that operators read. */
  readonly directory: string;
}

/** The mode of this test run. */
export function identityModeOfThisRun(): IdentityMode {
  const named = process.env.IDENTITY_MODE || 'client-secret';
  const mode = modes.find((one) => one === named);
  if (!mode) throw new Error(`IDENTITY_MODE: must be one of ${modes.join(', ')}, not ${JSON.stringify(named)}`);
  return mode;
}

/** Resolves when operators can be started with it. */
export function identityOf(mode: IdentityMode, place: Setup): Promise<Identity> {
  return {
    'client-secret': withClientSecret,
    'workload-identity': withTokenFile,
    'service-account': withObjectIdentities,
  }[mode](place);
}

const operators = { args: [], specFields: {}, label: "the operator's identity", admitNamespace: async () => {} };

async function withClientSecret(): Promise<Identity> {
  return { ...operators, env: {} };
}

async function withTokenFile(place: Setup): Promise<Identity> {
  const file = await writeOperatorToken(place, place.arm.environment.AZURE_CLIENT_ID ?? '', place.directory);
  return {
    ...operators,
    env: { AZURE_CLIENT_SECRET: '', AZURE_FEDERATED_TOKEN_FILE: file },
  };
}

/** All namespaces use the same client, which is also the operators' client in the other modes. */
async function withObjectIdentities(place: Setup): Promise<Identity> {
  const { AZURE_CLIENT_ID: client = '', AZURE_TENANT_ID: tenant = '' } = place.arm.environment;
  const admitted = new Map<string, Promise<void>>();
  const federated: FederatedCredential[] = [];
  const make = async (namespace: string) => {
    const account = { namespace, name: accountName };
    federated.push(federatedCredentialFor(account));
    place.arm.register(client, federated);
    await createServiceAccount(place, account, { client, tenant });
    await allowTokenRequests(place, namespace);
  };
  return {
    env: { AZURE_TENANT_ID: '', AZURE_CLIENT_ID: '', AZURE_CLIENT_SECRET: '' },
    args: ['--default-identity=deny'],
    specFields: { identity: { serviceAccountName: accountName } },
    label: `the identity of ServiceAccount default/${accountName}`,
    admitNamespace(namespace) {
      const made = admitted.get(namespace) ?? make(namespace);
      admitted.set(namespace, made);
      return made;
    },
  };
}
