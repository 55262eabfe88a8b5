// The emulator's admin API under /emulator: sets faults, changes resources as another client would, and shows the journal
// and the true state. For curl and for tests in other processes; it needs no token and serves only this machine.
import { type Context, Hono } from 'hono';
import { type Azure, ImpossibleChange } from './azure.ts';
import type { Bindings, ConnectionCounts } from './connection-faults.ts';
import { changes, drift, readDrift } from './drift.ts';
import { readFault } from './faults/fault.ts';
import { faultCatalog, limits } from './faults/fault-catalog.ts';
import type { ActiveFault } from './faults/faults.ts';
import { type Fields, InvalidInput } from './faults/field.ts';
import type { Journal, JournalEntry } from './journal.ts';

export const adminPath = '/emulator';

interface Env {
  Bindings: Bindings;
}

export function adminApp(azure: Azure, journal: Journal, connections: () => ConnectionCounts): Hono<Env> {
  const app = new Hono<Env>().basePath(adminPath);

  app.use(async (c, next) => {
    const { remoteAddress = '' } = c.env.incoming.socket;
    if (!/^(127\.|::1$|::ffff:127\.)/.test(remoteAddress))
      return problem(403, 'Only this machine may use the admin API.');
    return next();
  });

  app.get('/', () => respond(manual));

  app.get('/faults', () => respond(azure.faults.list().map(describe)));

  app.put('/faults/:name', async (c) =>
    respond(describe(azure.faults.set(c.req.param('name'), readFault(await jsonOf(c))))),
  );

  app.delete('/faults/:name', (c) => {
    const name = c.req.param('name');
    return azure.faults.remove(name) ? noContent() : problem(404, `No fault ${name} is on.`);
  });

  app.delete('/faults', () => {
    azure.faults.clear();
    return noContent();
  });

  app.post('/changes', async (c) => {
    drift(azure, readDrift(await jsonOf(c)));
    return noContent();
  });

  app.get('/registries', () =>
    respond(azure.references().map((of) => ({ ...azure.registry(of), replicas: azure.replicas(of) }))),
  );

  app.get('/connections', () => respond(connections()));

  app.get('/journal', (c) => {
    const { method, registry, replica, last = '100' } = c.req.query();
    const wanted = ({ method: its, registry: of, replica: one }: JournalEntry) =>
      (method === undefined || its === method.toUpperCase()) &&
      (registry === undefined || of?.toLowerCase() === registry.toLowerCase()) &&
      (replica === undefined || one?.toLowerCase() === replica.toLowerCase());
    if (!/^[1-9]\d*$/.test(last)) throw new InvalidInput('"last" must be a number from 1.');
    const entries = journal.entries.filter(wanted).slice(-Number(last));
    return respond(entries.map(({ arrival: _, ...entry }) => entry));
  });

  app.delete('/journal', () => {
    journal.clear();
    return noContent();
  });

  app.notFound(() => problem(404, `No such path; GET ${adminPath} lists the paths.`));

  app.onError((error) => {
    if (error instanceof InvalidInput) return problem(400, error.message);
    if (error instanceof ImpossibleChange) return problem(409, error.message);
    throw error;
  });

  return app;
}

const manual = {
  paths: {
    'GET /emulator/faults': 'The faults that are on.',
    'PUT /emulator/faults/{name}': 'Sets a fault under a name of your choice: {"kind": …} with members as below.',
    'DELETE /emulator/faults/{name}': 'Removes it.',
    'DELETE /emulator/faults': 'Removes all faults.',
    'POST /emulator/changes': 'Makes a change at once, as another client would: {"kind": …}.',
    'GET /emulator/registries': 'The true state of all registries, whatever ARM shows.',
    'GET /emulator/connections': 'TCP connections: open, of these stalled in the handshake, and accepted in total.',
    'GET /emulator/journal?method=&registry=&replica=&last=100':
      'The requests to ARM; status 0 means that no answer was sent.',
    'DELETE /emulator/journal': 'Clears the journal.',
  },
  everyFault: meanings(limits),
  faults: documentation(faultCatalog),
  changes: documentation(changes),
};

interface Documented {
  readonly meaning: string;
  readonly fields: Fields;
  readonly example: object;
}

function documentation(table: Readonly<Record<string, Documented>>) {
  const entries = Object.entries(table).map(([kind, { meaning, fields, example }]) => {
    return [kind, { meaning, members: meanings(fields), example: { kind, ...example } }];
  });
  return Object.fromEntries(entries);
}

function meanings(fields: Fields): Record<string, string> {
  const entries = Object.entries(fields).map(([name, field]) => {
    return [name, 'optional' in field ? `${field.meaning} (optional)` : field.meaning];
  });
  return Object.fromEntries(entries);
}

/** Leaves out infinite values: JSON has no Infinity. */
function describe({ name, fault, since, until, left }: ActiveFault) {
  return {
    name,
    fault,
    since: new Date(since),
    ...(Number.isFinite(until) && { until: new Date(until) }),
    ...(Number.isFinite(left) && { left }),
  };
}

async function jsonOf(c: Context<Env>): Promise<unknown> {
  try {
    return JSON.parse(await c.req.text());
  } catch (error) {
    throw new InvalidInput(`The body is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Indented, for reading in a terminal. */
function respond(body: unknown, status = 200): Response {
  const json = { 'content-type': 'application/json; charset=utf-8' };
  return new Response(`${JSON.stringify(body, null, 2)}\n`, { status, headers: json });
}

function noContent(): Response {
  return new Response(null, { status: 204 });
}

function problem(status: number, error: string): Response {
  return respond({ error }, status);
}
