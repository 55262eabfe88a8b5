// The process of `kubectl georep`: runs one verb and ends with its exit code.
import './node-version.ts'; // before all others, dependencies too
import { run } from './program.ts';
import { processSession } from './session.ts';

// A reader such as `head` may close the pipe before all is written.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
process.once('SIGINT', () => process.exit(130));

run(process.argv.slice(2), processSession()).then((code) => {
  process.exitCode = code;
});
