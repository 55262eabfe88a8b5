// The tokens of emulated registries: exchanges tokens of Entra for refresh tokens, and those for access tokens with one scope
// (Azure/acr, docs/AAD-OAuth.md). The forms are those that @azure/container-registry sends and reads; none was recorded.
import { randomUUID } from 'node:crypto';
import type { Verdict } from '../arm/tokens.ts';

interface Refresh {
  readonly host: string;
  readonly clientId: string;
}

interface Access extends Refresh {
  readonly scope: string;
}

const lifetimeSeconds = 3 * 3_600;

export class RegistryTokens {
  /** Clients without the role AcrPull. */
  readonly withoutPull = new Set<string>();
  readonly #verify: (token: string) => Verdict;
  readonly #now: () => number;
  readonly #refreshTokens = new Map<string, Refresh>();
  readonly #accessTokens = new Map<string, Access>();

  constructor(verify: (token: string) => Verdict, now: () => number) {
    this.#verify = verify;
    this.#now = now;
  }

  /** Undefined if the token is not one of Entra. */
  refreshToken(host: string, accessToken: string): string | undefined {
    const verdict = this.#verify(accessToken);
    if (verdict.kind !== 'valid') return undefined;
    const { clientId } = verdict.principal;
    const exp = Math.floor(this.#now() / 1_000) + lifetimeSeconds;
    const claims = Buffer.from(JSON.stringify({ jti: randomUUID(), aud: host, exp })).toString('base64url');
    const token = `e30.${claims}.${randomUUID()}`;
    this.#refreshTokens.set(token, { host, clientId });
    return token;
  }

  /** For a client without rights, a token that allows nothing (Docker's token specification). */
  accessToken(host: string, refreshToken: string, scope: string): string | undefined {
    const refresh = this.#refreshTokens.get(refreshToken);
    if (refresh?.host !== host) return undefined;
    const token = randomUUID();
    this.#accessTokens.set(token, { ...refresh, scope: this.withoutPull.has(refresh.clientId) ? '' : scope });
    return token;
  }

  allows(host: string, authorization: string | undefined, scope: string): boolean {
    const token = /^Bearer (?<token>\S+)$/.exec(authorization ?? '')?.groups?.token ?? '';
    const access = this.#accessTokens.get(token);
    return access !== undefined && access.host === host && access.scope.split(' ').includes(scope);
  }
}
