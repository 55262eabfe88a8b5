// How many random cases a property test tries: at most PROPERTY_RUNS, which .ci/run sets to 2,000; few without it.
// FC_SEED draws the cases of a failure again, which names its seed.
const maxRuns = process.env.PROPERTY_RUNS;
const seed = process.env.FC_SEED;

/**
 * fast-check's parameters for a property that is worth `wanted` cases.
 * @param few The number without PROPERTY_RUNS.
 */
export function propertyRuns(wanted: number, few = 50): { readonly numRuns: number; readonly seed?: number } {
  return { numRuns: Math.min(wanted, Number(maxRuns ?? few)), ...(seed !== undefined && { seed: Number(seed) }) };
}
