// The emulator's admin API under /emulator: sets faults, changes resources as another client would, and shows the journal
// and the true state. For curl and for tests in other processes; it needs no token and serves only this machine.
import { type Context, Hono } from 'hono';
import { type Azure, Impossible } from './azure.ts';
import type { Bindings, ConnectionCounts } from './connection-faults.ts';
import { changes, drift, readDrift } from './drift.ts';
import { readFault } from './faults/fault.ts';
import { knobs, limits } from './faults/fault-catalog.ts';
import type { Active } from './faults/faults.ts';
import { type Fields, Misfit } from './faults/field.ts';
import type { Journal, JournalEntry } from './journal.ts';

export const adminPath = '/emulator';

interface Env {
  Bindings: Bindings;
}

export function adminApp(azure: Azure, journal: Journal, connections: () => ConnectionCounts): Hono<Env> {
  const app = new Hono<Env>().basePath(adminPath);

  app.use(async (c, next) => {
    const { remoteAddress = '' } = c.env.incoming.socket;
    if (!/^(127\.|::1$|::ffff:127\.)/.test(remoteAddress)) return problem(403, 'Only this machine may ask.');
    return next();
  });

  app.get('/', () => say(manual));

  app.get('/faults', () => say(azure.faults.list().map(told)));

  app.put('/faults/:name', async (c) => say(told(azure.faults.set(c.req.param('name'), readFault(await jsonOf(c))))));

  app.delete('/faults/:name', (c) => {
    const name = c.req.param('name');
    return azure.faults.remove(name) ? done() : problem(404, `No fault ${name} is on.`);
  });

  app.delete('/faults', () => {
    azure.faults.clear();
    return done();
  });

  app.post('/changes', async (c) => {
    drift(azure, readDrift(await jsonOf(c)));
    return done();
  });

  app.get('/registries', () =>
    say(azure.references().map((of) => ({ ...azure.registry(of), replicas: azure.replicas(of) }))),
  );

  app.get('/connections', () => say(connections()));

  app.get('/journal', (c) => {
    const { method, registry, replica, last = '100' } = c.req.query();
    const wanted = ({ method: its, registry: of, replica: one }: JournalEntry) =>
      (method === undefined || its === method.toUpperCase()) &&
      (registry === undefined || of?.toLowerCase() === registry.toLowerCase()) &&
      (replica === undefined || one?.toLowerCase() === replica.toLowerCase());
    if (!/^[1-9]\d*$/.test(last)) throw new Misfit('"last" must be a number from 1.');
    const entries = journal.entries.filter(wanted).slice(-Number(last));
    return say(entries.map(({ arrival: _, ...entry }) => entry));
  });

  app.delete('/journal', () => {
    journal.clear();
    return done();
  });

  app.notFound(() => problem(404, `There is nothing here; GET ${adminPath} says what there is.`));

  app.onError((error) => {
    if (error instanceof Misfit) return problem(400, error.message);
    if (error instanceof Impossible) return problem(409, error.message);
    throw error;
  });

  return app;
}

const manual = {
  paths: {
    'GET /emulator/faults': 'Those that are on.',
    'PUT /emulator/faults/{name}': 'Turns one on, under a name of your choice: {"kind": …} with members as below.',
    'DELETE /emulator/faults/{name}': 'Turns it off.',
    'DELETE /emulator/faults': 'Turns all off.',
    'POST /emulator/changes': 'Changes something as someone else would, once and at once: {"kind": …}.',
    'GET /emulator/registries': 'What is really so, whatever ARM says.',
    'GET /emulator/connections': 'TCP connections: open, of these with a stalled handshake, and ever accepted.',
    'GET /emulator/journal?method=&registry=&replica=&last=100': 'What ARM was asked; status 0 is no answer.',
    'DELETE /emulator/journal': 'Forgets it.',
  },
  everyFault: meanings(limits),
  faults: explained(knobs),
  changes: explained(changes),
};

interface Explicable {
  readonly meaning: string;
  readonly fields: Fields;
  readonly example: object;
}

function explained(table: Readonly<Record<string, Explicable>>) {
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
function told({ name, fault, since, until, left }: Active) {
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
    throw new Misfit(`The body is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Indented, for reading in a terminal. */
function say(body: unknown, status = 200): Response {
  const json = { 'content-type': 'application/json; charset=utf-8' };
  return new Response(`${JSON.stringify(body, null, 2)}\n`, { status, headers: json });
}

function done(): Response {
  return new Response(null, { status: 204 });
}

function problem(status: number, error: string): Response {
  return say({ error }, status);
}
