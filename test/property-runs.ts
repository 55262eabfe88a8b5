// How many random cases a property test tries: at most PROPERTY_RUNS, which is 50 by default and 2,000 in .ci/run.
// FC_SEED draws the cases of a failure again, which names its seed.
const maxRuns = Number(process.env.PROPERTY_RUNS ?? 50);
const seed = process.env.FC_SEED;

/** fast-check's parameters for a property that is worth `wanted` cases. */
export function propertyRuns(wanted: number): { readonly numRuns: number; readonly seed?: number } {
  return { numRuns: Math.min(wanted, maxRuns), ...(seed !== undefined && { seed: Number(seed) }) };
}
