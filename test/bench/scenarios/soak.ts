// Whether the operator's memory grows with time.
import type { Scenario } from '../scenario.ts';
import { soak as runSoak } from '../soak.ts';

export const soak: Scenario = {
  name: 'soak',
  method:
    'Thirty simulated days of three objects: drift checks every 10 min, renewals of tokens every hour, and each day two edits, an object that comes and goes, a replica that is deleted by hand, a node that comes and goes, watches that end, and an outage of Azure of 12 min. The heap is what is used after two full collections at the end of a day.',
  async measure({ isQuick, note }) {
    const { days, heapRatio, rssRatio } = await runSoak({ days: isQuick ? 2 : 30, objects: 3, onDay: note });
    const [first, last] = [days[0], days.at(-1)];
    if (!first || !last) throw new Error('the soak has measured no day');
    return [
      { what: 'heap after the first day', value: first.heapMb, unit: 'MB' },
      { what: 'heap after the last day by that', value: heapRatio, unit: 'times', atMost: 1.05 },
      { what: 'the same without machine code', value: dataMb(last) / dataMb(first), unit: 'times' },
      { what: 'resident memory after the last day', value: last.rssMb, unit: 'MB' },
      { what: 'that by resident memory after the first day', value: rssRatio, unit: 'times' },
    ];
  },
};

function dataMb({ heapMb, codeMb }: { readonly heapMb: number; readonly codeMb: number }): number {
  return heapMb - codeMb;
}
