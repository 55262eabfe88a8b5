import { ApiException, type KubernetesObject } from '@kubernetes/client-node';
import { expect } from 'chai';
import { type PatchTarget, patchUnlessEdited } from '../../../../src/kubernetes/client/conditional-patch.ts';
import type { PatchOperation } from '../../../../src/lib/json-patch.ts';

const base = { uid: 'one', generation: 3 };
const operation = { op: 'add', path: '/spec/suspend', value: true } as const;

/** An API server that has the object in this version. Like the real one, it answers 422 to a failed test and to an invalid spec. */
function serverWith(metadata: { uid: string; generation: number }, isValid = true) {
  const sent: (readonly PatchOperation[])[] = [];
  const object: KubernetesObject = { metadata };
  const target: PatchTarget<KubernetesObject> = {
    get: async () => object,
    async patch(operations) {
      sent.push(operations);
      const current: Readonly<Record<string, unknown>> = {
        '/metadata/uid': metadata.uid,
        '/metadata/generation': metadata.generation,
      };
      const isEdited = operations.some((one) => one.op === 'test' && one.value !== current[one.path]);
      if (isEdited || !isValid) throw new ApiException(422, '', '', {});
      return object;
    },
  };
  return { target, sent, object };
}

describe('a patch of a spec that was not edited since', () => {
  it('tests the uid and the generation before it changes anything', async () => {
    const { target, sent, object } = serverWith(base);
    expect(await patchUnlessEdited(target, base, [operation])).to.equal(object);
    expect(sent).to.deep.equal([
      [
        { op: 'test', path: '/metadata/uid', value: 'one' },
        { op: 'test', path: '/metadata/generation', value: 3 },
        operation,
      ],
    ]);
  });

  it('is not made if the spec was edited, or if the object is another one of the same name', async () => {
    for (const now of [
      { ...base, generation: 4 },
      { ...base, uid: 'two' },
    ])
      expect(await patchUnlessEdited(serverWith(now).target, base, [operation])).to.equal(undefined);
  });

  it("rejects with the API server's refusal if the spec is the same, and the patch is at fault", async () => {
    const result = patchUnlessEdited(serverWith(base, false).target, base, [operation]);
    expect(await result.catch((error: unknown) => error)).to.be.instanceOf(ApiException);
  });
});
