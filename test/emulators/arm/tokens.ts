// The emulated Microsoft Entra tenant: issues access tokens to applications by secret or by federated assertion, and
// verifies them for ARM. Errors have Entra's form, not ARM's.
import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';

export interface Application {
  readonly clientId: string;
  readonly secret: string;
  /** Accepted assertions; any if unset. Signatures are not verified. */
  readonly federated?: readonly FederatedCredential[];
}

/** All three must match the token exactly. */
export interface FederatedCredential {
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string;
}

/** A client's proof that it is the application. */
export type Proof =
  | { readonly kind: 'secret'; readonly secret: string }
  | { readonly kind: 'assertion'; readonly assertion: string };

/** The holder of an access token. */
export interface Principal {
  readonly clientId: string;
  readonly objectId: string;
}

/** A response in Entra's form of OAuth 2. */
export interface TokenResponse {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export type Verdict =
  | { readonly kind: 'valid'; readonly principal: Principal }
  | { readonly kind: 'malformed' | 'expired' | 'wrongAudience' };

/** Seconds; Entra draws 60 to 90 minutes. */
const usualLifetime = 3599;

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

export class Tenant {
  readonly id: string;
  readonly #applications = new Map<string, Application>();
  readonly #audiences: readonly string[];
  readonly #now: () => number;
  readonly #lifetime: number;
  readonly #key = randomBytes(32);

  /**
   * `audiences`: the resources for which tokens are issued; trailing slashes are ignored. `now` returns ms since the
   * epoch; `lifetime` is in seconds.
   */
  constructor(id: string, audiences: readonly string[], now: () => number, lifetime = usualLifetime) {
    this.id = id;
    this.#audiences = audiences;
    this.#now = now;
    this.#lifetime = lifetime;
  }

  register(application: Application): void {
    this.#applications.set(application.clientId.toLowerCase(), application);
  }

  /** OpenID metadata as far as MSAL reads it; `origin` is the one that the client used. */
  metadata(origin: string): Readonly<Record<string, unknown>> {
    const base = `${origin}/${this.id}`;
    return {
      token_endpoint: `${base}/oauth2/v2.0/token`,
      token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
      jwks_uri: `${base}/discovery/v2.0/keys`,
      response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
      subject_types_supported: ['pairwise'],
      id_token_signing_alg_values_supported: ['RS256'],
      issuer: `${base}/v2.0`,
      authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    };
  }

  /** The client credentials grant, the only one that a service needs. `tenant` comes from the path. */
  token(tenant: string, form: URLSearchParams): TokenResponse {
    const clientId = form.get('client_id') ?? '';
    const scope = form.get('scope') ?? '';
    const grant = form.get('grant_type') ?? '';
    if (tenant.toLowerCase() !== this.id.toLowerCase()) return this.unknownTenant(tenant);
    if (!clientId) return this.#missing('client_id');
    if (!grant) return this.#missing('grant_type');
    if (!scope) return this.#missing('scope');
    if (grant !== 'client_credentials') {
      const message = `The app requested an unsupported grant type '${grant}'.`;
      return this.#error(400, 'unsupported_grant_type', 70003, message);
    }
    const application = this.#applications.get(clientId.toLowerCase());
    if (!application) {
      const message = `Application with identifier '${clientId}' was not found in the directory '${this.id}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.`;
      return this.#error(400, 'unauthorized_client', 700016, message);
    }
    const proof = proofOf(form);
    if (!proof) {
      const message =
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret' when using the client_credentials grant type.";
      return this.#error(401, 'invalid_client', 7000218, message);
    }
    const refused = this.#check(application, proof);
    if (refused) return refused;
    const audience = this.#audienceOf(scope);
    if (!audience) {
      const message = `The resource principal named ${scope.replace(/\/\.default$/, '')} was not found in the tenant named ${this.id}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.`;
      return this.#error(400, 'invalid_resource', 500011, message);
    }
    const { token: access_token, lifetime } = this.grant(application.clientId, audience);
    return {
      status: 200,
      body: { token_type: 'Bearer', expires_in: lifetime, ext_expires_in: lifetime, access_token },
    };
  }

  /** A token without proof, as a machine gets it for its managed identity; `lifetime` in seconds. */
  grant(clientId: string, audience: string): { readonly token: string; readonly lifetime: number } {
    return { token: this.#sign(clientId, audience), lifetime: this.#lifetime };
  }

  unknownTenant(tenant: string): TokenResponse {
    const message = `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.`;
    return this.#error(400, 'invalid_request', 90002, message);
  }

  /** Verifies an access token as ARM does. */
  verify(token: string): Verdict {
    const [header = '', payload = '', signature = ''] = token.split('.');
    const expected = this.#signature(`${header}.${payload}`);
    const given = Buffer.from(signature, 'base64url');
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return { kind: 'malformed' };
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims;
    if (claims.exp * 1000 <= this.#now()) return { kind: 'expired' };
    if (!this.#audiences.map(bare).includes(bare(claims.aud))) return { kind: 'wrongAudience' };
    return { kind: 'valid', principal: { clientId: claims.appid, objectId: claims.oid } };
  }

  #check({ clientId, secret, federated }: Application, proof: Proof): TokenResponse | undefined {
    switch (proof.kind) {
      case 'secret': {
        if (proof.secret === secret) return undefined;
        const message = `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${clientId}'.`;
        return this.#error(401, 'invalid_client', 7000215, message);
      }
      case 'assertion': {
        return federated && this.#checkAssertion(proof.assertion, federated);
      }
      default:
        return proof satisfies never;
    }
  }

  /** Codes and messages: Microsoft's list of AADSTS errors and its article on workload identity federation. */
  #checkAssertion(assertion: string, federated: readonly FederatedCredential[]): TokenResponse | undefined {
    const refuse = (code: number, message: string) => this.#error(401, 'invalid_client', code, message);
    const claims = claimsIn(assertion);
    if (!claims) return refuse(50027, 'JWT token is invalid or malformed.');
    const { iss = '', sub = '', aud = [], exp = 0 } = claims;
    if (exp * 1000 <= this.#now()) return refuse(700024, 'Client assertion is not within its valid time range.');
    const noMatch = (code: number, what: string, value: string) =>
      refuse(
        code,
        `No matching federated identity record found for presented assertion ${what} '${value}'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion.`,
      );
    const byIssuer = federated.filter(({ issuer }) => issuer === iss);
    if (byIssuer.length === 0) return noMatch(700211, 'issuer', iss);
    const bySubject = byIssuer.filter(({ subject }) => subject === sub);
    if (bySubject.length === 0) return noMatch(700213, 'subject', sub);
    const audiences = [aud].flat();
    return bySubject.some(({ audience }) => audiences.includes(audience))
      ? undefined
      : noMatch(700212, 'audience', audiences.join());
  }

  #audienceOf(scope: string): string | undefined {
    const resource = scope.split(' ').find((part) => part.endsWith('/.default'));
    const wanted = resource?.slice(0, -'/.default'.length);
    return wanted !== undefined && this.#audiences.map(bare).includes(bare(wanted)) ? wanted : undefined;
  }

  #sign(clientId: string, audience: string): string {
    const issued = Math.floor(this.#now() / 1000);
    const claims: Claims = {
      aud: audience,
      iss: `https://sts.windows.net/${this.id}/`,
      iat: issued,
      nbf: issued,
      exp: issued + this.#lifetime,
      appid: clientId,
      idtyp: 'app',
      oid: clientId,
      tid: this.id,
      uti: randomUUID(),
    };
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const text = `${encode({ typ: 'JWT', alg: 'HS256' })}.${encode(claims)}`;
    return `${text}.${this.#signature(text).toString('base64url')}`;
  }

  #signature(text: string): Buffer {
    return createHmac('sha256', this.#key).update(text).digest();
  }

  #missing(parameter: string): TokenResponse {
    const message = `The request body must contain the following parameter: '${parameter}'.`;
    return this.#error(400, 'invalid_request', 900144, message);
  }

  #error(status: number, error: string, code: number, message: string): TokenResponse {
    const timestamp = `${new Date(this.#now()).toISOString().slice(0, 19).replace('T', ' ')}Z`;
    const trace = randomUUID();
    const correlation = randomUUID();
    return {
      status,
      body: {
        error,
        error_description: `AADSTS${code}: ${message} Trace ID: ${trace} Correlation ID: ${correlation} Timestamp: ${timestamp}`,
        error_codes: [code],
        timestamp,
        trace_id: trace,
        correlation_id: correlation,
        error_uri: `https://login.microsoftonline.com/error?code=${code}`,
      },
    };
  }
}

interface Claims {
  readonly aud: string;
  readonly iss: string;
  /** Seconds since the epoch, as the other times. */
  readonly iat: number;
  readonly nbf: number;
  readonly exp: number;
  readonly appid: string;
  readonly idtyp: 'app';
  readonly oid: string;
  readonly tid: string;
  readonly uti: string;
}

/** The claims of another issuer's token; undefined if it is not a token. */
function claimsIn(
  token: string,
): Partial<Pick<Claims, 'iss' | 'exp'> & { sub: string; aud: string | string[] }> | undefined {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  } catch {
    return undefined;
  }
}

export function proofOf(form: URLSearchParams): Proof | undefined {
  const secret = form.get('client_secret');
  const assertion = form.get('client_assertion');
  if (assertion && form.get('client_assertion_type') === assertionType) return { kind: 'assertion', assertion };
  return secret ? { kind: 'secret', secret } : undefined;
}

/** Trailing slashes do not matter: `https://management.azure.com/` is the same resource. */
function bare(audience: string): string {
  return audience.replace(/\/+$/, '').toLowerCase();
}
