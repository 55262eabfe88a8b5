// Logs an outage of Azure once when it begins and once when it ends. A single failure is not logged: it is retried, and
// counted in georeplication_arm_requests_total.
import type { ArmRequest } from '../azure/arm.ts';
import type { Log } from '../lib/log.ts';
import { LogOnChange } from '../lib/log-on-change.ts';

/** The number of consecutive failures that make an outage. */
const enough = 5;

/** @returns a function to call after each request: no response, or a status of 500 and more, is a failure. */
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
