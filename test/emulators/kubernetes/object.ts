// JSON and stored Kubernetes objects. Stored objects are immutable, since watchers and encoders keep references to them; a
// write stores a new object.

export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = { [key: string]: Json | undefined };

export type ObjectMeta = {
  name: string;
  namespace?: string;
  generateName?: string;
  uid: string;
  /** Decimal; increases with every write to any object. */
  resourceVersion: string;
  generation?: number;
  /** ISO time in whole seconds, as metav1.Time. */
  creationTimestamp: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: { [key: string]: string };
  annotations?: { [key: string]: string };
  finalizers?: string[];
  ownerReferences?: JsonObject[];
  managedFields?: JsonObject[];
};

export type KubeObject = { apiVersion: string; kind: string; metadata: ObjectMeta; [field: string]: Json | undefined };

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The member `name` of `object` if it is a string, else null. */
export function stringIn(object: Json | undefined, name: string): string | null {
  const value = isJsonObject(object) ? object[name] : undefined;
  return typeof value === 'string' ? value : null;
}

/** An object's storage key; sorts as in etcd. */
export function keyOf(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}

/** metav1.Time: whole seconds. */
export function kubeTime(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

const encoded = new WeakMap<KubeObject, string>();

/** JSON text, cached per stored object for all lists and watches that send it. */
export function encode(object: KubeObject): string {
  let text = encoded.get(object);
  if (text === undefined) {
    text = JSON.stringify(object);
    encoded.set(object, text);
  }
  return text;
}
