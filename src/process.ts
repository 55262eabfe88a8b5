// The operator's process: reads the flags, starts the operator, and maps signals and errors to exit codes.
import { type Config, ConfigError, parseConfig } from './config.ts';
import { errorMessage } from './lib/sanitize.ts';
import { createOperator } from './operator.ts';
import { onShutdownSignal } from './preflight.ts';
import { createLogger, toggleDebug } from './telemetry/logger.ts';

const config = configOrExit();
const log = createLogger({ level: config.logLevel, format: config.logFormat });
process.on('SIGUSR2', () => toggleDebug(log, config.logLevel));
process.on('uncaughtException', exitFatal);
process.on('unhandledRejection', exitFatal);

let isStopping = false;
const operator = createOperator(config, log, (why) => {
  log[isStopping ? 'warn' : 'fatal']({}, `${why}; nothing more is written, and this process ends`);
  process.exit(isStopping ? 0 : 1);
});
await operator.start().catch(exitFatal);
onShutdownSignal((signal) => {
  if (isStopping) process.exit(130);
  isStopping = true;
  log.info({ signal }, 'Stopping; a second signal ends at once');
  operator.stop().then(exitStopped, exitFatal);
});

function configOrExit(): Config {
  try {
    return parseConfig(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    (error.exitCode === 0 ? process.stdout : process.stderr).write(`${error.message}\n`);
    process.exit(error.exitCode);
  }
}

function exitStopped(): never {
  log.info({}, 'Stopped');
  process.exit(0);
}

/** Logs one line and exits. The remaining state is in Kubernetes and ARM, and the next start reads it. */
function exitFatal(error: unknown): never {
  log.fatal({ error }, errorMessage(error));
  process.exit(1);
}
