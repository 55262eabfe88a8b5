import { ArmError } from '../src/azure/arm.ts';

/** The ArmError with which it rejects. Rejects where it does not, or with anything else. */
export async function refusal(asking: Promise<unknown>): Promise<ArmError> {
  try {
    await asking;
  } catch (error) {
    if (error instanceof ArmError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}
