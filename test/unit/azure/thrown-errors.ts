// Builders for the errors that Azure's libraries throw.
import { createHttpHeaders, createPipelineRequest, RestError } from '@azure/core-rest-pipeline';

/** An error of the SDK, with an unparsed body. */
export function refused(status: number, body: unknown, headers: Record<string, string> = {}): RestError {
  const bodyAsText = typeof body === 'string' ? body : JSON.stringify(body);
  const request = createPipelineRequest({ url: 'https://management.azure.com/' });
  return new RestError(`HTTP ${status}`, {
    statusCode: status,
    response: { status, request, headers: createHttpHeaders(headers), bodyAsText },
  });
}

export function armSays(status: number, code: string, message: string, headers?: Record<string, string>): RestError {
  return refused(status, { error: { code, message } }, headers);
}

/** An error of @azure/identity or MSAL, which are distinguished by name. */
export function named(name: string, message: string, members: object = {}): Error {
  return Object.assign(new Error(message), { name, ...members });
}
