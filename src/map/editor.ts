// Carries out a change that a person chose on the map: a patch of the object with the caller's own rights, only if the spec is still the
// one that the page showed.
import { ApiException } from '@kubernetes/client-node';
import type { RegistryReplication } from '../api/registryreplication.ts';
import { ApiServerUnreachable, explain, isMissing, isPatchRefused } from '../kubernetes/client/errors.ts';
import type { ObjectName, Resource } from '../kubernetes/client/resource.ts';
import { type Change, patchFor, type SpecVersion } from './change.ts';

export interface ChangeRequest extends Change, SpecVersion {}

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
      throw error;
    }
  };
}

async function change(objects: Objects, name: ObjectName, request: ChangeRequest): Promise<ChangeResult> {
  const object = await objects.get(name);
  if (!isSameVersion(object, request)) return edited(name);
  const patch = patchFor({ ...name, ...request, listed: object.spec.regions }, request);
  const { action, location } = request;
  if (!patch) {
    const message = `${location} is ${action === 'add' ? 'listed already' : 'not listed'} in ${name.namespace}/${name.name}.`;
    return { kind: 'refused', status: 409, message };
  }
  try {
    await objects.patch(name, patch);
  } catch (error) {
    // A test of the patch and the schema fail with the same code.
    if (isPatchRefused(error) && !isSameVersion(await objects.get(name), request)) return edited(name);
    throw error;
  }
  return { kind: 'done' };
}

function isSameVersion({ metadata }: RegistryReplication, { uid, generation }: SpecVersion): boolean {
  return metadata.uid === uid && metadata.generation === generation;
}

function edited({ namespace, name }: ObjectName): ChangeResult {
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
