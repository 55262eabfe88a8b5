import { type Config, parseConfig } from '../src/config.ts';

/** Parses flags with only these variables in the environment. */
export function configFrom(argv: readonly string[], env: Readonly<Record<string, string>>): Config {
  const before = process.env;
  process.env = { ...env };
  try {
    return parseConfig(argv);
  } finally {
    process.env = before;
  }
}
