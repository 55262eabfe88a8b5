// Chooses the faults that apply to a request independently of Azure's state: latency, lost answers and injected errors.
// connection-faults.ts and server.ts carry them out.
import { type Fault, selectsRequest } from './faults/fault.ts';
import type { Faults } from './faults/faults.ts';
import { busy, Refusal, subscriptionRequestsThrottled } from './refusal.ts';
import type { RequestInfo } from './request-info.ts';

/** How a response body is changed. */
export type BodyFault = Pick<Fault<'malformed'>, 'how' | 'bytes'>;

/** Applied instead of an answer, or to it. */
export type TransportFault =
  | { readonly kind: 'reset' | 'hang'; readonly when: 'before' | 'after' }
  | ({ readonly kind: 'malformed' } & BodyFault);

export interface TransportFaults {
  /** ms. */
  readonly latencyMs: number;
  readonly fault?: TransportFault;
  /** Names of the faults applied. */
  readonly names: readonly string[];
}

/** The latency and the transport fault of one request. */
export function transportFaultsFor(faults: Faults, info: RequestInfo): TransportFaults {
  const selects = (fault: Fault<'latency' | 'reset' | 'hang' | 'malformed'>) => selectsRequest(fault, info);
  const slow = faults.consume('latency', selects);
  const latencyMs = slow ? faults.between(slow.fault.ms, Math.max(slow.fault.ms, slow.fault.most ?? 0)) : 0;
  const broken = faults.consume('reset', selects) ?? faults.consume('hang', selects);
  const malformed = broken ? undefined : faults.consume('malformed', selects);
  const names = [slow, broken, malformed].flatMap((active) => active?.name ?? []);
  if (broken) return { latencyMs, names, fault: { kind: broken.fault.kind, when: broken.fault.when ?? 'before' } };
  if (malformed) return { latencyMs, names, fault: malformed.fault };
  return { latencyMs, names };
}

export interface InjectedError {
  /** Name of the fault that causes it. */
  readonly name: string;
  readonly when: 'before' | 'after';
  readonly refusal: Refusal;
}

/** The error that answers a request, whatever it asks for. */
export function injectedErrorFor(faults: Faults, info: RequestInfo): InjectedError | undefined {
  const selects = (fault: Fault<'throttled' | 'error'>) => selectsRequest(fault, info);
  const chosen = faults.consumeRefusal(info);
  if (chosen) return { name: 'chosen', when: 'before', refusal: new Refusal(chosen) };
  const throttled = faults.consume('throttled', selects);
  if (throttled) {
    const { name, fault } = throttled;
    return { name, when: 'before', refusal: throttling(info, fault.retryAfter) };
  }
  const error = faults.consume('error', selects);
  if (error) return { name: error.name, when: error.fault.when ?? 'before', refusal: errorOf(error.fault) };
  const other = faults.consume('busy', (fault) => info.method !== 'GET' && selectsRequest(fault, info));
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
