// What the soak runs of the operator, as the entry of a bundle.
export { parseConfig } from '../../src/config.ts';
export { createOperator } from '../../src/operator.ts';
export { createLogger } from '../../src/telemetry/logger.ts';
