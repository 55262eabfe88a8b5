// The emulator's HTTP responses and ARM's headers.
import { randomUUID } from 'node:crypto';
import { errorBody } from './bodies.ts';
import type { ArmContext } from './context.ts';
import { gatewayPage } from './malformed.ts';
import type { Refusal } from './refusal.ts';

const json = { 'content-type': 'application/json; charset=utf-8' };

export function respond(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { ...json, ...headers } });
}

export function respondRefusal({ details }: Refusal): Response {
  const { status, retryAfter, html } = details;
  const headers = {
    ...details.headers,
    ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
  };
  if (!html) return respond(status, errorBody(details), headers);
  return new Response(gatewayPage, { status, headers: { 'content-type': 'text/html', ...headers } });
}

export function respondEmpty(status: number, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(null, { status, headers });
}

/** Resets first: Hono copies the headers of the previous response to the new one. */
export function replaceResponse(c: ArmContext, response: Response): void {
  c.res = undefined;
  c.res = response;
}

/** Adds missing headers only: a refusal that a test has chosen keeps its own. */
export function addMissingHeaders(c: ArmContext, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    if (!c.res.headers.has(name)) c.res.headers.set(name, value);
  }
}

/** Recorded: Azure/azure-cli (2026-09-10) and Azure/azure-powershell (2025-09-09). */
export function armHeaders(c: ArmContext): Record<string, string> {
  const id = c.req.header('x-ms-client-request-id');
  const returned = c.req.header('x-ms-return-client-request-id')?.toLowerCase() === 'true';
  return {
    'cache-control': 'no-cache',
    pragma: 'no-cache',
    expires: '-1',
    'strict-transport-security': 'max-age=31536000; includeSubDomains',
    'x-content-type-options': 'nosniff',
    'x-ms-request-id': randomUUID(),
    'x-ms-correlation-request-id': randomUUID(),
    ...(returned && id && { 'x-ms-client-request-id': id }),
  };
}
