// Refuses versions of Node that are too old, in one line, before any dependency is loaded; main.ts imports it first. It imports
// nothing and uses only what old versions of Node know.

const minNodeVersion = 24;

const { node } = process.versions;
if (Number.parseInt(node, 10) < minNodeVersion) {
  process.stderr.write(`error: kubectl georep needs Node ${minNodeVersion} or newer; this is ${node}.\n`);
  process.exit(1);
}
