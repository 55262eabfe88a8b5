// The alerts and the dashboard use only metrics that the operator exports, and every alert has a runbook.
import { readFileSync } from 'node:fs';
import { parser } from '@prometheus-io/lezer-promql';
import { expect } from 'chai';
import { reasons } from '../../src/replication/reasons.ts';
import { describeWithKubectl } from '../e2e/with-kubectl.ts';
import { type Described, exportedMetrics } from '../exported-metrics.ts';
import { buildKustomization, buildOverlay, type Deployment, findOnly, type Manifest, root } from '../manifests.ts';

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook_url: string };
}

interface Rules extends Manifest {
  readonly spec: { readonly groups: readonly { readonly rules: readonly Alert[] }[] };
}

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

describeWithKubectl('the monitoring', () => {
  let manifests: Manifest[];
  let alerts: readonly Alert[];
  let panels: readonly Panel[];

  before(async () => {
    manifests = await buildKustomization('deploy/monitoring');
    alerts = alertsOf(manifests);
    const { data } = findOnly<Manifest & { data: Record<string, string> }>(manifests, 'ConfigMap');
    panels = (JSON.parse(Object.values(data).join()) as { panels: Panel[] }).panels;
  });

  const alertsOf = (built: readonly Manifest[]) =>
    findOnly<Rules>(built, 'PrometheusRule').spec.groups.flatMap(({ rules }) => rules);
  const queries = () => panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => inGrafana(expr)));

  it('uses only exported metrics with their labels, in valid PromQL', () => {
    const expressions = [...alerts.map(({ expr }) => expr), ...queries()];
    expect(expressions).to.have.length.above(30);
    expect(expressions.flatMap(complaintsAbout)).to.deep.equal([]);
  });

  it('is checked for unknown metrics, unknown labels and invalid expressions', () => {
    expect(complaintsAbout('sum by (weather) (georeplication_objects{phase="Ready"})')).to.deep.equal([
      'weather is no label of georeplication_objects',
    ]);
    expect(complaintsAbout('rate(georeplication_clouds_total[5m])')).to.deep.equal([
      'georeplication_clouds_total is not exported',
    ]);
    expect(complaintsAbout('georeplication_time_to_ready_seconds')).to.have.length(1);
    expect(complaintsAbout('sum(georeplication_objects')).to.deep.equal(['cannot be read: sum(georeplication_objects']);
  });

  it('shows every metric of the domain and of the passes', () => {
    const shown = new Set(
      queries()
        .flatMap((expression) => metricsIn(expression))
        .map(nameOf),
    );
    const own = exportedMetrics().filter(({ name }) => /^(georeplication|controller_runtime)_/.test(name));
    const unseen = own.filter(({ name }) => !shown.has(name)).map(({ name }) => name);
    // Covered by other panels: passes by their result, contact with the API server, and objects with a source that cannot be read.
    // The limit is far above what it would be shown with.
    expect(unseen).to.deep.equal([
      'controller_runtime_reconcile_errors_total',
      'georeplication_informer_synced',
      'georeplication_source_watches',
      'georeplication_source_objects',
      'georeplication_source_losses_total',
      'georeplication_objects_limit',
    ]);
  });

  it('has a runbook for each alert, linked from it, with what to do', () => {
    expect(alerts).to.have.length.above(8);
    const runbooks = readFileSync(`${root}/docs/runbooks.md`, 'utf8');
    const { homepage } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { homepage: string };
    const defaultUrl = /url: (\S+)/.exec(readFileSync(`${root}/deploy/monitoring/runbooks.yaml`, 'utf8'))?.[1];
    expect(defaultUrl)
      .to.match(/\/docs\/runbooks\.md$/)
      .and.satisfy((url: string) => url.startsWith(`${homepage}/`));
    for (const { alert, annotations, labels } of alerts) {
      expect(annotations.runbook_url, alert).to.equal(`${defaultUrl}#${alert.toLowerCase()}`);
      const section = runbooks.split(/^#{2,3} /m).find((text) => text.startsWith(`${alert}\n\n`));
      expect(section, alert).to.match(/\*\*Do\*\*: /);
      expect(['warning', 'critical']).to.include(labels.severity);
      expect(annotations.summary, alert).not.to.equal('');
      expect(annotations.description, alert).to.match(/\.$/);
    }
    const sections = [...runbooks.matchAll(/^### (GeoReplication\w+)$/gm)].map(([, name]) => name);
    expect(sections).to.deep.equal(alerts.map(({ alert }) => alert));
  });

  it('links every alert below one URL, which a kustomization of yours can change in one place', async () => {
    const text = readFileSync(`${root}/docs/runbooks.md`, 'utf8');
    const [, overlay = ''] = /```yaml\n(.*?)```/s.exec(text) ?? [];
    const [, url] = /value: (\S+) /.exec(overlay) ?? [];
    const built = await buildOverlay(overlay);
    expect(alertsOf(built).map(({ annotations }) => annotations.runbook_url)).to.deep.equal(
      alerts.map(({ alert }) => `${url}#${alert.toLowerCase()}`),
    );
    expect(built.map(({ kind }) => kind)).to.deep.equal(manifests.map(({ kind }) => kind));
  });

  it('alerts for each reason that needs intervention, unless the user has chosen that state', () => {
    const expressions = alerts.map(({ expr }) => expr).join('\n');
    expect(expressions).to.match(/\bgeoreplication_object_stalled_seconds\)/); // of every reason that stalls
    // An object that lists no region waits for a source to name one.
    const chosen = ['RegionsNotReady', 'Suspended', 'OutOfSync', 'NoRegions'];
    for (const [reason, { needsIntervention, remedy }] of Object.entries(reasons))
      if (!needsIntervention && remedy && !chosen.includes(reason))
        expect(expressions).to.contain(`reason="${reason}"`);
  });

  it("uses in an alert's text only labels that its expression keeps", () => {
    for (const { alert, expr, annotations } of alerts) {
      const words = Object.values(annotations).join();
      const labels = new Set([...words.matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label));
      const kept = /\b(?:sum|max|count) by \(([^)]*)\)/.exec(expr)?.[1]?.split(', ') ?? [...ofTheTarget];
      for (const label of labels) expect(kept, alert).to.include(label);
    }
  });

  it("scrapes the pods' metrics port", async () => {
    const deployment = findOnly<Deployment>(await buildKustomization('deploy'), 'Deployment');
    const monitor = findOnly<Manifest>(manifests, 'PodMonitor');
    expect(monitor).to.have.nested.property('spec.podMetricsEndpoints[0].port', 'metrics');
    expect(deployment.spec.template.spec.containers[0].ports.map(({ name }) => name)).to.include('metrics');
    expect(monitor.metadata.namespace).to.equal(deployment.metadata.namespace);
  });

  it('scrapes with the token of an account that may only get the metrics', async () => {
    const monitor = findOnly<Manifest>(manifests, 'PodMonitor');
    const account = findOnly<Manifest>(manifests, 'ServiceAccount');
    const binding = findOnly<Manifest>(manifests, 'ClusterRoleBinding');
    const { name, namespace } = account.metadata;
    expect(monitor).to.have.deep.nested.property('spec.podMetricsEndpoints[0].authorization', {
      credentials: { name: findOnly<Manifest>(manifests, 'Secret').metadata.name, key: 'token' },
    });
    expect(monitor).to.have.nested.property('spec.podMetricsEndpoints[0].scheme', 'https');
    expect(findOnly<Manifest>(manifests, 'Secret').metadata.annotations).to.include({
      'kubernetes.io/service-account.name': name,
    });
    expect(binding).to.have.deep.property('subjects', [{ kind: 'ServiceAccount', name, namespace }]);
    const role = (await buildKustomization('deploy')).find(
      ({ kind, metadata }) => kind === 'ClusterRole' && metadata.name === 'acr-replication-operator-metrics-reader',
    );
    expect(binding).to.have.nested.property('roleRef.name', role?.metadata.name);
    expect(role).to.have.deep.property('rules', [{ nonResourceURLs: ['/metrics'], verbs: ['get'] }]);
  });

  it('has panels with names that do not overlap', () => {
    expect(new Set(panels.map(({ id }) => id)).size).to.equal(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
    );
    expect(new Set(cells).size).to.equal(cells.length);
    for (const { gridPos, title } of panels) expect(gridPos.x + gridPos.w, title).to.be.at.most(24);
  });
});

/** The expression as sent to Prometheus: Grafana replaces its variable by a duration. */
function inGrafana(expression: string): string {
  return expression.replaceAll('$__rate_interval', '5m');
}

/** The labels that a scrape by a PodMonitor adds. */
const ofTheTarget = new Set(['namespace', 'pod', 'container', 'job', 'instance']);

/** Why Prometheus could not evaluate the expression, or would find nothing; the labels of all its metrics are checked together. */
function complaintsAbout(expression: string): string[] {
  const exported = new Map(exportedMetrics().map((metric) => [metric.name, metric]));
  if (namesIn(expression, '⚠').length) return [`cannot be read: ${expression}`];
  const asked = metricsIn(expression).map((series) => [series, exported.get(nameOf(series))] as const);
  const missing = asked.filter(([series, metric]) => !metric || !hasSeries(metric, series)).map(([series]) => series);
  if (missing.length) return missing.map((series) => `${series} is not exported`);
  const labels = new Set(asked.flatMap(([series, metric]) => [...(metric?.labelNames ?? []), ...bucketLabel(series)]));
  return namesIn(expression, 'LabelName')
    .filter((label) => !labels.has(label) && !ofTheTarget.has(label))
    .map((label) => `${label} is no label of ${asked.map(([series]) => series).join(', ')}`);
}

/** The nodes of this kind in the expression's PromQL syntax tree; `⚠` is a syntax error. */
function namesIn(expression: string, kind: string): string[] {
  const found: string[] = [];
  parser.parse(expression).iterate({
    enter({ name, from, to }) {
      if (name === kind) found.push(expression.slice(from, to));
    },
  });
  return found;
}

function metricsIn(expression: string): string[] {
  return namesIn(expression, 'Identifier');
}

const isOfHistogram = /_(bucket|sum|count)$/;

/** The metric of a series. */
function nameOf(series: string): string {
  return series.replace(isOfHistogram, '');
}

/** A histogram has no series of its own name. */
function hasSeries({ type }: Described, series: string): boolean {
  return (type === 'histogram') === isOfHistogram.test(series);
}

function bucketLabel(series: string): string[] {
  return series.endsWith('_bucket') ? ['le'] : [];
}
