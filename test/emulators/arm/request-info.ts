// Describes a request by its method, path and body, before anything has handled it. It contains no token or secret, so it
// may be journalled.

export const methods = ['GET', 'PUT', 'PATCH', 'DELETE', 'POST'] as const;

/** The kinds of endpoints; `operation` is a poll of either kind. */
export const endpoints = ['registry', 'replicas', 'replica', 'operation', 'locations', 'token', 'other'] as const;

export type Endpoint = (typeof endpoints)[number];

/** Names keep the client's spelling. */
export interface RequestInfo {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly endpoint: Endpoint;
  readonly subscriptionId?: string;
  readonly resourceGroup?: string;
  /** The registry's name. */
  readonly registry?: string;
  /** The replica's ARM name. */
  readonly replica?: string;
  /** Parsed if it is JSON; only for writes to ARM. */
  readonly body?: unknown;
}

const ids =
  /^\/subscriptions\/(?<subscriptionId>[^/]+)(?:\/resourcegroups\/(?<resourceGroup>[^/]+)(?:\/providers\/microsoft\.containerregistry\/registries\/(?<registry>[^/]+)(?:\/replications\/(?<replica>[^/]+))?)?)?/i;

/** `body`: the text of a PUT or PATCH. */
export function infoOf(method: string, path: string, body?: string): RequestInfo {
  const names = Object.entries(ids.exec(path)?.groups ?? {}).filter(([, value]) => value !== undefined);
  const spelt = Object.fromEntries(names.map(([name, value]) => [name, decoded(value)]));
  return { method, path, endpoint: endpointOf(path), ...spelt, ...(body !== undefined && { body: parsed(body) }) };
}

function endpointOf(path: string): Endpoint {
  if (/^\/[^/]+\/(oauth2|v2\.0|\.well-known)\//i.test(path)) return 'token';
  if (/\/operation(statuses|results)\/[^/]+$/i.test(path)) return 'operation';
  if (/^\/subscriptions\/[^/]+\/locations$/i.test(path)) return 'locations';
  const tail = /\/registries\/[^/]+(?<replicas>\/replications)?(?<replica>\/[^/]+)?$/i.exec(path)?.groups;
  if (!tail) return 'other';
  if (tail.replica) return tail.replicas ? 'replica' : 'other';
  return tail.replicas ? 'replicas' : 'registry';
}

/** A name that cannot be decoded is kept as it is and refused later. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A body that is not JSON is journalled as text; the handler refuses it. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
