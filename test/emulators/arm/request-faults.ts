// Chooses the faults that apply to a request independently of Azure's state: latency, lost answers and injected errors.
// connection-faults.ts and server.ts carry them out.
import { concernsRequest, type Fault } from './faults/fault.ts';
import type { Faults } from './faults/faults.ts';
import { busy, Refusal, subscriptionRequestsThrottled } from './refusal.ts';
import type { RequestInfo } from './request-info.ts';

/** How a response body is changed. */
export type Malformation = Pick<Fault<'malformed'>, 'how' | 'bytes'>;

/** Applied instead of an answer, or to it. */
export type WireFault =
  | { readonly kind: 'reset' | 'hang'; readonly when: 'before' | 'after' }
  | ({ readonly kind: 'malformed' } & Malformation);

export interface Passage {
  /** ms. */
  readonly latency: number;
  readonly fault?: WireFault;
  /** Names of the faults applied. */
  readonly names: readonly string[];
}

/** The latency and the transport fault of one request. */
export function passageOf(faults: Faults, info: RequestInfo): Passage {
  const concerns = (fault: Fault<'latency' | 'reset' | 'hang' | 'malformed'>) => concernsRequest(fault, info);
  const slow = faults.due('latency', concerns);
  const latency = slow ? faults.between(slow.fault.ms, Math.max(slow.fault.ms, slow.fault.most ?? 0)) : 0;
  const broken = faults.due('reset', concerns) ?? faults.due('hang', concerns);
  const malformed = broken ? undefined : faults.due('malformed', concerns);
  const names = [slow, broken, malformed].flatMap((active) => active?.name ?? []);
  if (broken) return { latency, names, fault: { kind: broken.fault.kind, when: broken.fault.when ?? 'before' } };
  if (malformed) return { latency, names, fault: malformed.fault };
  return { latency, names };
}

export interface RefusalAtTheDoor {
  /** Name of the fault that causes it. */
  readonly name: string;
  readonly when: 'before' | 'after';
  readonly refusal: Refusal;
}

/** The error that answers a request, whatever it asks for. */
export function refusalAtTheDoor(faults: Faults, info: RequestInfo): RefusalAtTheDoor | undefined {
  const concerns = (fault: Fault<'throttled' | 'error'>) => concernsRequest(fault, info);
  const chosen = faults.refusalOf(info);
  if (chosen) return { name: 'chosen', when: 'before', refusal: new Refusal(chosen) };
  const throttled = faults.due('throttled', concerns);
  if (throttled) {
    const { name, fault } = throttled;
    return { name, when: 'before', refusal: throttling(info, fault.retryAfter) };
  }
  const error = faults.due('error', concerns);
  if (error) return { name: error.name, when: error.fault.when ?? 'before', refusal: errorOf(error.fault) };
  const other = faults.due('busy', (fault) => info.method !== 'GET' && concernsRequest(fault, info));
  if (!other) return undefined;
  return { name: other.name, when: 'before', refusal: busy(`The registry '${info.registry ?? ''}'`, 'Updating') };
}

function throttling({ method, subscriptionId = '' }: RequestInfo, retryAfter: number | undefined): Refusal {
  const what = method === 'GET' ? 'read' : method === 'DELETE' ? 'delete' : 'write';
  return subscriptionRequestsThrottled(subscriptionId, 'emulated', what, retryAfter);
}

/** Uses ARM's known codes and messages where the fault has none of its own. */
function errorOf({ status, code, message, html, retryAfter }: Fault<'error'>): Refusal {
  const usual = status >= 500 ? 'InternalServerError' : 'BadRequest';
  return new Refusal({
    status,
    code: code ?? (status === 503 ? 'ServiceUnavailable' : usual),
    message: message ?? 'The server encountered an error. Please retry after some time.',
    ...(html && { html }),
    ...(retryAfter !== undefined && { retryAfter }),
  });
}
