// Issues ServiceAccount tokens for the subresource TokenRequest: JWTs with audiences and a lifetime. The emulated API server
// itself does not accept them; emulator.ts defines its users.
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import type { Clock } from '../../../src/lib/clock.ts';
import { isJsonObject, type Json, type JsonObject, type KubeObject, kubeTime } from './object.ts';
import { badRequest, type FieldError, fieldError, invalid } from './status.ts';

/** A cluster's default issuer. */
const issuer = 'https://kubernetes.default.svc.cluster.local';

/** Seconds. */
const defaultLifetime = 3600;
const minLifetime = 600;
const maxLifetime = 2 ** 32;

export class TokenIssuer {
  readonly #clock: Clock;
  readonly #keyId = randomUUID();
  readonly #key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The answer to a POST; throws an ApiError if the request is invalid. */
  answer({ metadata }: KubeObject, body: Json): JsonObject {
    const { audiences, lifetime } = parseTokenRequest(body);
    const issued = Math.floor(this.#clock.now().getTime() / 1000);
    const { namespace = '', name, uid } = metadata;
    const token = this.#signed({
      aud: audiences,
      exp: issued + lifetime,
      iat: issued,
      iss: issuer,
      jti: randomUUID(),
      'kubernetes.io': { namespace, serviceaccount: { name, uid } },
      nbf: issued,
      sub: `system:serviceaccount:${namespace}:${name}`,
    });
    const now = kubeTime(this.#clock.now());
    return {
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { name, namespace, creationTimestamp: now },
      spec: { audiences, expirationSeconds: lifetime, boundObjectRef: null },
      status: { token, expirationTimestamp: kubeTime(new Date((issued + lifetime) * 1000)) },
    };
  }

  #signed(claims: JsonObject): string {
    const encode = (value: JsonObject) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const text = `${encode({ alg: 'ES256', kid: this.#keyId })}.${encode(claims)}`;
    const signature = sign('sha256', Buffer.from(text), { key: this.#key, dsaEncoding: 'ieee-p1363' });
    return `${text}.${signature.toString('base64url')}`;
  }
}

function parseTokenRequest(body: Json): { audiences: string[]; lifetime: number } {
  if (!isJsonObject(body) || (body.kind !== undefined && body.kind !== 'TokenRequest')) {
    throw badRequest('the body is no TokenRequest');
  }
  const { audiences, expirationSeconds } = isJsonObject(body.spec) ? body.spec : {};
  const named = Array.isArray(audiences) ? audiences.filter((audience) => typeof audience === 'string') : [];
  const lifetime = typeof expirationSeconds === 'number' ? expirationSeconds : defaultLifetime;
  const errors = lifetimeErrors(lifetime);
  if (errors.length) throw invalid({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, '', errors);
  return { audiences: named.length ? named : [issuer], lifetime };
}

function lifetimeErrors(lifetime: number): FieldError[] {
  const refuse = (words: string) => [fieldError.invalid('spec.expirationSeconds', lifetime, words)];
  if (lifetime < minLifetime) return refuse('may not specify a duration less than 10 minutes');
  return lifetime > maxLifetime ? refuse('may not specify a duration larger than 2^32 seconds') : [];
}
