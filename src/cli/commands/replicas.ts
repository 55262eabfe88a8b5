// `kubectl georep replicas [NAME]`, the default verb: one line for each replica, as `az acr replication list` prints it.
import type { Command } from 'commander';
import { type Cluster, inScope, objectsOf, withCluster } from '../cluster.ts';
import type { GlobalOptions } from '../options.ts';
import { type Column, createTable, printLines, printListing, shownColumns, styled } from '../output.ts';
import { type ReplicaRow, replicaColumns, replicaRows, rowKey } from '../replica-rows.ts';
import { createScreen } from '../screen.ts';
import { CliError, type Session } from '../session.ts';
import { type ObjectWatch, watchObjects } from '../watch.ts';

interface Options extends GlobalOptions {
  readonly watch?: boolean;
}

export function registerReplicas(program: Command, session: Session): void {
  program
    .command('replicas', { isDefault: true })
    .description('list replicas, one a line (the default)')
    .argument('[name]', 'one RegistryReplication; default: all of the namespace')
    .option('-w, --watch', 'go on with each change: in place at a terminal, else line after line')
    .action((name: string | undefined, _: object, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      return withCluster(options, (cluster) =>
        options.watch ? watch(cluster, session, name, options) : print(cluster, session, name, options),
      );
    });
}

async function print(cluster: Cluster, session: Session, name: string | undefined, options: Options): Promise<void> {
  const rows = (await objectsOf(cluster, name)).flatMap(replicaRows);
  printListing(session, options.output, {
    rows,
    columns: columnsFor(session, name, options),
    names: rows.flatMap(({ id }) => id ?? []),
    nothing: `No replicas found${inScope(cluster)}.`,
  });
}

function columnsFor(session: Session, name: string | undefined, { allNamespaces = false }: Options) {
  return replicaColumns({ namespaces: allNamespaces, objects: name === undefined, now: () => session.clock.now() });
}

/** Ends with the process only. */
async function watch(cluster: Cluster, session: Session, name: string | undefined, options: Options): Promise<never> {
  const { output } = options;
  if (output !== 'table' && output !== 'wide') throw new CliError(`--watch prints tables, not ${output}`);
  // Fails where a watch would be tried again and again: without rights, or without the object.
  await objectsOf(cluster, name);
  const columns = shownColumns(columnsFor(session, name, options), output);
  const namespace = name === undefined ? cluster.scope : cluster.namespace;
  let follower: Follower | undefined;
  const objects = watchObjects(cluster, session, {
    namespace,
    onChange: () => follower?.onChange(),
    onWarning: (sentence) => follower?.onWarning(sentence),
    onRecovery: () => follower?.onChange(),
  });
  await objects.synced;
  follower = (canRedraw(session) ? redraw : append)(session, columns, () => rowsOf(objects, name));
  follower.onChange();
  return new Promise(() => undefined);
}

function rowsOf(objects: ObjectWatch, name: string | undefined): ReplicaRow[] {
  const shown = objects.list().filter(({ metadata }) => name === undefined || metadata.name === name);
  return shown.flatMap(replicaRows);
}

function canRedraw({ stdout }: Session): boolean {
  return stdout.isTTY === true && process.env.TERM !== 'dumb';
}

interface Follower {
  onChange(): void;
  onWarning(sentence: string): void;
}

type Follow = (session: Session, columns: readonly Column<ReplicaRow>[], rows: () => ReplicaRow[]) => Follower;

const redrawMs = 1_000;

/** Draws the whole table in place at each change, and once a second for the ages in it. A warning stays until the API server answers. */
const redraw: Follow = (session, columns, rows) => {
  const { stdout, clock } = session;
  const screen = createScreen(stdout);
  // A terminal that does not know its size says 0.
  const width = () => stdout.columns || undefined;
  let cancel: () => void = () => undefined;
  let warning: string | undefined;
  const draw = () => {
    cancel();
    const lines = createTable(columns, session, width()).lines(rows());
    const notice = warning === undefined ? [] : [styled(session, 'yellow', warning.slice(0, width()))];
    screen.draw([...(lines.length > 1 ? lines : ['No replicas found.']), ...notice]);
    cancel = clock.after(redrawMs, draw);
  };
  const show = (sentence: string | undefined) => {
    warning = sentence;
    draw();
  };
  return { onChange: () => show(undefined), onWarning: show };
};

/** Prints a line for each row that is new, differs in what the columns show, or is gone. */
const append: Follow = (session, columns, rows) => {
  const table = createTable(columns, session);
  const textOf = (row: ReplicaRow) => columns.map((column) => (column.timeless ?? column.cell)(row)).join('\t');
  const shown = new Map<string, { readonly row: ReplicaRow; readonly text: string }>();
  const onChange = () => {
    const now = new Map(rows().map((row) => [rowKey(row), { row, text: textOf(row) }]));
    const gone = [...shown].filter(([key]) => !now.has(key)).map(([, { row }]) => ({ ...row, ...goneState }));
    const changed = [...now].filter(([key, { text }]) => shown.get(key)?.text !== text).map(([, { row }]) => row);
    shown.clear();
    for (const [key, one] of now) shown.set(key, one);
    if (gone.length + changed.length > 0) printLines(session, table.lines([...gone, ...changed]));
  };
  return { onChange, onWarning: (sentence) => void session.stderr.write(`warning: ${sentence}\n`) };
};

const goneState = { state: 'Absent', displayStatus: 'Gone' } as const;
