// The shapes that everything here is made of: JSON, and Kubernetes objects as they are stored. Stored objects are never
// changed in place; a write puts a new one, so that watchers and encoders may keep what they were given.

export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = { [key: string]: Json | undefined };

export type ObjectMeta = {
  name: string;
  namespace?: string;
  generateName?: string;
  uid: string;
  /** Decimal; greater for each later write to anything. */
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
};

export type KubeObject = { apiVersion: string; kind: string; metadata: ObjectMeta; [field: string]: Json | undefined };

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Where an object is kept; sorts as etcd would list. */
export function keyOf(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}

/** metav1.Time: whole seconds. */
export function kubeTime(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

const encoded = new WeakMap<KubeObject, string>();

/** JSON text, made once for each stored object, however many lists and watches send it. */
export function encode(object: KubeObject): string {
  let text = encoded.get(object);
  if (text === undefined) {
    text = JSON.stringify(object);
    encoded.set(object, text);
  }
  return text;
}
