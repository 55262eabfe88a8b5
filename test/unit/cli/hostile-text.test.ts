import { expect } from 'chai';
import fc from 'fast-check';
import { load } from 'js-yaml';
import type { Status } from '../../../src/api/registryreplication.ts';
import { printListing } from '../../../src/cli/output.ts';
import { planLines, planView } from '../../../src/cli/plan-view.ts';
import { replicaColumns, replicaRows } from '../../../src/cli/replica-rows.ts';
import { toJson, toYaml } from '../../../src/cli/safe-text.ts';
import { exitCode, type Session } from '../../../src/cli/session.ts';
import { timeline } from '../../../src/cli/timeline.ts';
import { FakeClock } from '../../fake-clock.ts';
import { anyHostileText, findHarmfulText } from '../../hostile-text.ts';
import { propertyRuns } from '../../property-runs.ts';
import { anObject, now } from '../replication/fixtures.ts';

/** The API server bounds every text of an object. */
const anyText = anyHostileText.map((text) => text.slice(0, 5_000));

/** Every text of a status as Azure or an attacker may have written it. */
function statusOf(text: string): Status {
  const row = { location: text, replica: text, displayStatus: text, provisioningState: text, message: text };
  const neededBy = [{ source: text, count: 2, names: [text] }];
  return {
    sources: [{ source: text, state: 'Forbidden', message: text, unknown: { count: 9, examples: [text] } }],
    regions: [
      { ...row, location: `${text}2`, desired: true, home: false, state: 'Ready', unusedSince: text },
      { ...row, neededBy, desired: true, home: false, state: 'Syncing', since: text },
    ],
    plan: [{ action: 'create', location: text, message: text }],
  };
}

function aSession(): Session & { readonly lines: () => string[] } {
  let printed = '';
  const write = (text: string) => {
    printed += text;
    return true;
  };
  const stdout = { write };
  const clock = new FakeClock(now.toISOString());
  return { stdout, stderr: stdout, clock, exitCode: exitCode.ok, lines: () => printed.split('\n') };
}

describe('hostile text in an object', () => {
  it('is shown as text in every format', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const rows = replicaRows(anObject({ status: statusOf(text) }));
        const columns = replicaColumns({ namespaces: true, objects: true, now: () => now });
        for (const format of ['wide', 'json', 'yaml', 'name'] as const) {
          const session = aSession();
          printListing(session, format, { rows, columns, names: [text], nothing: '' });
          expect(findHarmfulText(session.lines()), format).to.deep.equal([]);
        }
        const lines = planLines(planView(anObject({ status: statusOf(text) })));
        expect(findHarmfulText(lines)).to.deep.equal([]);
      }),
      propertyRuns(50),
    );
  });

  it('does not break a timeline', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const event = { metadata: {}, eventTime: undefined, note: text, reason: text, type: text };
        const status = { ...statusOf(text), claim: { since: text } } as Status;
        timeline(anObject({ status }), [{ ...event, eventTime: new Date(0) as never }], now);
      }),
      propertyRuns(50),
    );
  });

  it('is the same text again when JSON or YAML is read', () => {
    // As toYaml marks what it escapes.
    const mark = '\\x01abcd';
    fc.assert(
      fc.property(anyText, (text) => {
        const data = { [`name ${text}`.slice(0, 500)]: [text, `${mark}${text}`, `${text.slice(0, 20)}${mark}`] };
        expect(JSON.parse(toJson(data))).to.deep.equal(data);
        expect(load(toYaml(data))).to.deep.equal(data);
      }),
      propertyRuns(50),
    );
  });
});
