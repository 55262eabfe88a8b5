import { expect } from 'chai';
import { outageLog } from '../../../src/telemetry/arm-outage-log.ts';
import { LogJournal } from '../kubernetes/journal.ts';

describe('an outage of Azure in the log', () => {
  function told(statuses: readonly string[]): string[] {
    const log = new LogJournal();
    const tell = outageLog(log);
    for (const status of statuses) tell({ status, correlationId: 'id' });
    return log.all.map(({ level, sentence }) => `${level} ${sentence}`);
  }

  it('is logged once at its start and once at its end, however long it lasts', () => {
    const lines = told(['200', ...Array<string>(40).fill('503'), '200', '200']);
    expect(lines).to.deep.equal([
      'warn Azure is out of order: it answers 503; each request is tried again later',
      'info Azure answers again',
    ]);
  });

  it('may consist of missing responses', () => {
    expect(told(Array<string>(5).fill('<error>'))).to.deep.equal([
      'warn Azure is out of order: no answer comes; each request is tried again later',
    ]);
  });

  it('does not include single failures or refusals', () => {
    expect(
      told(['503', '503', '200', '<error>', '404', '500', '503', '429', '403', '403', '403', '403', '403']),
    ).to.deep.equal([]);
  });
});
