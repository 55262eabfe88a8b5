// Why an object is as it is: the reasons of its conditions, each a word of the API.
import type { ArmErrorReason } from '../azure/arm.ts';

export type Reason =
  /** Ready: everything is as asked. */
  | 'AllRegionsReady'
  /** Listed regions are being created, synchronised or changed. */
  | 'Syncing'
  /** Every listed region is ready; replicas that are not listed are still being deleted. */
  | 'Pruning'
  /** Every listed region is ready; Azure refuses to delete a replica that is not listed. */
  | 'PruneBlocked'
  /** A listed region's replica is Failed; while it is tried again the object is not Stalled. */
  | 'RegionFailed'
  /** A region is in motion, or Failed, for longer than spec.progressDeadline. */
  | 'ProgressDeadlineExceeded'
  /** What is asked would leave the registry without a replica that serves clients. */
  | 'LastRoutedRegion'
  /** The spec cannot be acted upon. */
  | 'InvalidSpec'
  /** Another object that names the same registry acts on it. */
  | 'RegistryClaimed'
  /** What this operator puts right is undone by others again and again. */
  | 'Contended'
  | 'RegistryNotFound'
  | 'RegistryNotPremium'
  /** The registry itself is in motion or failed. */
  | 'RegistryNotReady'
  /** Mode Observe, and something would be done. */
  | 'OutOfSync'
  | 'Suspended'
  | 'Deleting'
  | ArmErrorReason;
