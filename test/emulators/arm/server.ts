// The emulator's HTTP layer: the order of ARM's checks (quota and journal around everything; then identity, api-version,
// resource), and answers for what went wrong.
import { Hono } from 'hono';
import { errorBody } from './bodies.ts';
import type { Env, Parts } from './context.ts';
import { callersRights, headersAndQuota, injectedErrors, journalAndTransport } from './middleware.ts';
import * as refusal from './refusal.ts';
import { respond, respondRefusal } from './responses.ts';
import { addResourceRoutes, addTokenRoutes } from './routes.ts';

export function armApp(parts: Parts): Hono<Env> {
  // ARM's ids are case-insensitive, so routes match in lower case; `info` keeps the client's spelling.
  const app = new Hono<Env>({ getPath: (request) => new URL(request.url).pathname.toLowerCase() });

  app.use(journalAndTransport(parts));
  app.use('/subscriptions/*', headersAndQuota(parts));
  app.use(injectedErrors(parts));
  addTokenRoutes(app, parts);
  app.use('/subscriptions/*', callersRights(parts));
  addResourceRoutes(app, parts);

  app.notFound((c) => {
    throw refusal.noSuchPath(new URL(c.req.url).pathname);
  });

  app.onError((error, c) => {
    if (!(error instanceof refusal.Refusal)) {
      console.error(`${c.req.method} ${new URL(c.req.url).pathname} broke the emulator:`, error);
      return respond(500, errorBody({ code: 'InternalServerError', message: String(error) }));
    }
    return respondRefusal(error);
  });
  return app;
}
