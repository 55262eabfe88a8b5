// Reads shell commands out of Markdown, so that a test runs exactly what a page shows.

/**
 * The commands in the `sh` blocks below a heading, up to the next heading of any level, in order. A line that ends with a
 * backslash goes on in the next one; lines that are only a comment are left out.
 *
 * @throws if the page has no such heading, or no command below it.
 */
export function commandsIn(page: string, heading: string): string[] {
  let isBelow = false;
  // The language of the block that a line is in.
  let block: string | undefined;
  const found: string[] = [];
  for (const line of page.replaceAll(/\\\n\s*/g, '').split('\n')) {
    const [, fence] = /^ *```(\w*)$/.exec(line) ?? [];
    if (fence !== undefined) block = block === undefined ? fence : undefined;
    else if (block === undefined && /^#+ /.test(line)) isBelow = line.replace(/^#+ /, '') === heading;
    else if (isBelow && block === 'sh' && !/^\s*(#|$)/.test(line)) found.push(line.trim());
  }
  if (found.length === 0) throw new Error(`no command is below the heading "${heading}"`);
  return found;
}

/** The files that a page shows: `yaml` blocks whose first line is a comment with their path. */
export function filesIn(page: string): Map<string, string> {
  const blocks = [...page.matchAll(/^```yaml\n# (\S+\.yaml)\n(.*?)^```$/gms)];
  return new Map(blocks.map(([, path = '', text = '']) => [path, text]));
}
