// Carries out a change that a person chose on the map: a patch of the object with the caller's own rights, only if the spec is still the
// one that the page showed.
import { ApiException } from '@kubernetes/client-node';
import { listedRegions, type RegistryReplication } from '../api/registryreplication.ts';
import { hasSpecVersion, type PatchTarget, patchUnlessEdited } from '../kubernetes/client/conditional-patch.ts';
import { ApiServerUnreachable, explain, isMissing } from '../kubernetes/client/errors.ts';
import type { ObjectName, Resource } from '../kubernetes/client/resource.ts';
import { indexOfLocation } from '../replication/location.ts';
import { LastRegion, specChange } from '../replication/spec-change.ts';
import type { ChangeRequest } from './model.ts';

/** `message` of a refusal is in the API server's own words, where it is its refusal. */
export type ChangeResult =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly status: Status; message: string };
type Status = 403 | 404 | 409 | 422 | 502;

/** Rejects on a bug only. */
export type Editor = (name: ObjectName, request: ChangeRequest) => Promise<ChangeResult>;

type Objects = Pick<Resource<RegistryReplication>, 'get' | 'patch'>;

export function editorOf(objects: Objects): Editor {
  return async (name, request) => {
    try {
      return await change(objects, name, request);
    } catch (error) {
      if (error instanceof ApiException || error instanceof ApiServerUnreachable) return refusal(error);
      if (error instanceof LastRegion) return { kind: 'refused', status: 422, message: `${error.message}.` };
      throw error;
    }
  };
}

async function change(objects: Objects, name: ObjectName, request: ChangeRequest): Promise<ChangeResult> {
  const { spec, ...object } = await objects.get(name);
  if (!hasSpecVersion(object, request)) return editedMeanwhile(name);
  const { action, location } = request;
  const isListed = indexOfLocation(listedRegions(spec), location) >= 0;
  if (isListed === (action === 'add')) {
    const message = `${location} is ${isListed ? 'listed already' : 'not listed'} in ${name.namespace}/${name.name}.`;
    return { kind: 'refused', status: 409, message };
  }
  const { operations } = specChange(spec, { kind: action, locations: [location] });
  const target: PatchTarget<RegistryReplication> = {
    get: () => objects.get(name),
    patch: (all) => objects.patch(name, all),
  };
  const stored = await patchUnlessEdited(target, request, operations);
  return stored ? { kind: 'done' } : editedMeanwhile(name);
}

function editedMeanwhile({ namespace, name }: ObjectName): ChangeResult {
  const message = `${namespace}/${name} was edited since this page showed it. Look at it again, and repeat the change if it is still right.`;
  return { kind: 'refused', status: 409, message };
}

function refusal(error: ApiException<unknown> | ApiServerUnreachable): ChangeResult {
  return { kind: 'refused', status: statusOf(error), message: explain(error) };
}

function statusOf(error: ApiException<unknown> | ApiServerUnreachable): Status {
  if (!(error instanceof ApiException)) return 502;
  if (isMissing(error)) return 404;
  if (error.code === 401 || error.code === 403) return 403;
  if (error.code === 409) return 409;
  if (error.code === 422 || error.code === 400) return 422;
  return 502;
}
