import { ArmError } from '../src/azure/arm.ts';

/** Resolves to the ArmError of a rejected call; rejects on success, or with any other error. */
export async function rejection(asking: Promise<unknown>): Promise<ArmError> {
  try {
    await asking;
  } catch (error) {
    if (error instanceof ArmError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}
