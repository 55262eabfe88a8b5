// What a request says of itself before anything has looked at it: method, path and body, and what they are about. Keeps no
// token and no secret, so that it may be journalled.

export const methods = ['GET', 'PUT', 'PATCH', 'DELETE', 'POST'] as const;

/** What can be asked; `operation` is a poll of either kind. */
export const endpoints = ['registry', 'replicas', 'replica', 'operation', 'locations', 'token', 'other'] as const;

export type Endpoint = (typeof endpoints)[number];

/** Names are spelt as the client spelt them. */
export interface RequestInfo {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  readonly endpoint: Endpoint;
  readonly subscriptionId?: string;
  readonly resourceGroup?: string;
  /** The registry's name. */
  readonly registry?: string;
  /** The replica's ARM name. */
  readonly replica?: string;
  /** Parsed where it is JSON; only with writes to ARM. */
  readonly body?: unknown;
}

const ids =
  /^\/subscriptions\/(?<subscriptionId>[^/]+)(?:\/resourcegroups\/(?<resourceGroup>[^/]+)(?:\/providers\/microsoft\.containerregistry\/registries\/(?<registry>[^/]+)(?:\/replications\/(?<replica>[^/]+))?)?)?/i;

/** `body` of a PUT or PATCH, as text. */
export function infoOf(method: string, path: string, body?: string): RequestInfo {
  const names = Object.entries(ids.exec(path)?.groups ?? {}).filter(([, value]) => value !== undefined);
  const spelt = Object.fromEntries(names.map(([name, value]) => [name, decoded(value)]));
  return { method, path, endpoint: endpointOf(path), ...spelt, ...(body !== undefined && { body: parsed(body) }) };
}

function endpointOf(path: string): Endpoint {
  if (/^\/[^/]+\/(oauth2|v2\.0)\//i.test(path)) return 'token';
  if (/\/operation(statuses|results)\/[^/]+$/i.test(path)) return 'operation';
  if (/^\/subscriptions\/[^/]+\/locations$/i.test(path)) return 'locations';
  const tail = /\/registries\/[^/]+(?<replicas>\/replications)?(?<replica>\/[^/]+)?$/i.exec(path)?.groups;
  if (!tail) return 'other';
  if (tail.replica) return tail.replicas ? 'replica' : 'other';
  return tail.replicas ? 'replicas' : 'registry';
}

/** A name that cannot be decoded stays as it is, and is refused as a name. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A body that is no JSON is journalled as text; whoever needs it refuses it. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
