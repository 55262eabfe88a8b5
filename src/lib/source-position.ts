// Translates positions in the bundle to those in src/, by the source maps beside it. With --enable-source-maps Node does that too, but it
// reads and parses the maps at the start, which costs 6 MB of memory and a fifteenth of the time to ready.
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';

/** By the URL of the bundle's file; undefined for one without a map. */
const maps = new Map<string, SourceMap | undefined>();

/** Replaces each `file:///….mjs:LINE:COLUMN` whose origin is known. A text without any is returned as it is. */
export function toSourcePositions(text: string): string {
  return text.replace(
    /(file:\/\/[^\s()]+\.mjs):(\d+):(\d+)/g,
    (position, url: string, line: string, column: string) => originOf(url, Number(line), Number(column)) ?? position,
  );
}

function originOf(url: string, line: number, column: number): string | undefined {
  if (!maps.has(url)) maps.set(url, mapOf(url));
  const origin = maps.get(url)?.findOrigin(line, column);
  if (!origin || !('fileName' in origin)) return undefined;
  // The maps leave dependencies out: they have one name and no lines (scripts/build.ts).
  const file = /^(?!.*node_modules\/)(?:.*\/)?(src\/.+)/.exec(origin.fileName)?.[1];
  return file && `${file}:${origin.lineNumber}:${origin.columnNumber}`;
}

function mapOf(url: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(new URL(`${url}.map`), 'utf8')));
  } catch {
    return undefined; // the position in the bundle says something, too
  }
}
