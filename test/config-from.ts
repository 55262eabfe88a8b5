import { type Config, parseConfig } from '../src/config.ts';

/** Parses flags with only these variables in the environment, as if stdout were a terminal or not. */
export function configFrom(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  { isTerminal = false }: { isTerminal?: boolean } = {},
): Config {
  const { env: before, stdout } = process;
  const { isTTY } = stdout;
  process.env = { ...env };
  stdout.isTTY = isTerminal;
  try {
    return parseConfig(argv);
  } finally {
    process.env = before;
    stdout.isTTY = isTTY;
  }
}
