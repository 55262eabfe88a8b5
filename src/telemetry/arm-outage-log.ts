// Whether Azure answers, as two lines in the log: one when it no longer does, one when it does again. A single failure is
// nothing to tell: it is tried again, and counted in georeplication_arm_requests_total.
import type { ArmRequest } from '../azure/arm.ts';
import type { Log } from '../lib/log.ts';
import { LogOnChange } from '../lib/log-on-change.ts';

/** Requests without a usable answer, one after the other, that make an outage. */
const enough = 5;

/** @returns to be told of each request: no answer, or a status of 500 and more, is a failure. */
export function outageLog(log: Log): (request: Pick<ArmRequest, 'status' | 'correlationId'>) => void {
  const complaints = new LogOnChange(log);
  let failures = 0;
  return ({ status, correlationId }) => {
    if (status !== '<error>' && Number(status) < 500) {
      complaints.settle('Azure', 'Azure answers again', { failures });
      failures = 0;
      return;
    }
    failures += 1;
    if (failures < enough) return;
    const why = status === '<error>' ? 'no answer comes' : `it answers ${status}`;
    complaints.raise('Azure', `Azure is out of order: ${why}; each request is tried again later`, { correlationId });
  };
}
