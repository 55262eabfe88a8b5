// The workflows of .github: GitHub's own parser reads them, and they keep the rules that make them safe.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import project from '../../../package.json' with { type: 'json' };
import { root } from '../../manifests.ts';

// The package imports JSON in the way of bundlers, without saying that it is JSON.
const hooks = registerHooks({
  load: (url, context, next) =>
    next(url, url.endsWith('.json') ? { ...context, importAttributes: { type: 'json' } } : context),
});
const { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } = await import('@actions/workflow-parser');
hooks.deregister();

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Workflow {
  readonly concurrency?: unknown;
  readonly permissions: object;
  readonly jobs: Readonly<Record<string, Job>>;
}

interface Job {
  readonly permissions?: object;
  readonly 'timeout-minutes'?: number;
  readonly steps: readonly Step[];
}

/** What GitHub would say of the file: schema, expressions, and jobs that need each other. */
async function errorsOf(name: string, content: string): Promise<string[]> {
  const { context, value } = parseWorkflow({ name, content }, new NoOperationTraceWriter());
  if (value && context.errors.count === 0) await convertWorkflowTemplate(context, value);
  return context.errors.getErrors().map(({ message }) => message);
}

describe('the workflows', () => {
  const files = globSync('.github/workflows/*', { cwd: root });
  const texts = files.map((file) => readFileSync(join(root, file), 'utf8'));
  const workflows = texts.map((text) => parse(text) as Workflow);
  const jobs = workflows.flatMap((workflow) => Object.entries(workflow.jobs));
  const steps = jobs.flatMap(([, job]) => job.steps);
  const scripts = steps.flatMap(({ run }) => run ?? []);

  it('are what GitHub can run', async () => {
    expect(files).to.include('.github/workflows/ci.yaml');
    for (const [index, file] of files.entries()) {
      const text = texts[index] ?? '';
      expect(await errorsOf(file, text)).to.deep.equal([]);
      // The parser finds what is wrong.
      expect(await errorsOf(file, text.replace('runs-on', 'run-on'))).not.to.be.empty;
    }
  });

  it('take only actions that are pinned by commit, with the version in a comment', () => {
    const lines = texts.flatMap((text) => text.match(/^.*\buses:.*$/gm) ?? []);
    expect(lines)
      .to.have.length(steps.filter(({ uses }) => uses).length)
      .above(0);
    for (const line of lines) expect(line).to.match(/uses: actions\/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    expect(new Set(lines.map((line) => line.trim())).size).to.equal(new Set(lines.map(actionOf)).size);
  });

  it('grant each job what it needs, and end it', () => {
    for (const workflow of workflows)
      expect(workflow).to.deep.include({ permissions: {} }).and.have.property('concurrency');
    for (const [name, job] of jobs) {
      expect(job, name).to.have.property('permissions').that.is.an('object');
      expect(job['timeout-minutes'], name).to.be.above(0);
    }
  });

  it('keep no credentials in the working tree', () => {
    for (const step of steps.filter(({ uses }) => uses?.startsWith('actions/checkout@')))
      expect(step).to.have.nested.property('with.persist-credentials', false);
  });

  it('put no expression into a script, where its value would be code', () => {
    for (const script of scripts) expect(script).not.to.include('${{');
  });

  it('run scripts that everybody can run', () => {
    for (const script of scripts) {
      for (const [, name = ''] of script.matchAll(/\bnpm run ([\w:]+)/g))
        expect(project.scripts).to.have.property(name);
      for (const [file] of script.matchAll(/(?<![\w/])(\.ci|scripts)\/[\w./-]+/g))
        expect(existsSync(join(root, file)), file).to.equal(true);
    }
    expect(scripts).to.include('.ci/run');
  });
});

const actionOf = (line: string) => /uses: ([^@]*)/.exec(line)?.[1];
