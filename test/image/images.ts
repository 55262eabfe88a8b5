// What the tests of the image share, made once: a store, base images for both platforms, and the image that the Dockerfile builds.
import { currentCommit } from '../../scripts/commit.ts';
import { addOtherPlatform, type Bases, makeBases } from './bases.ts';
import { type ImageStore, openImageStore } from './buildah.ts';

export interface Images {
  readonly store: ImageStore;
  readonly bases: Bases;
  /** Built by the Dockerfile alone, for this machine's platform. */
  readonly operator: { readonly image: string; readonly configDigest: string };
}

let store: ImageStore | undefined;
let images: Promise<Images> | undefined;

export function sharedImages(): Promise<Images> {
  images ??= make();
  return images;
}

async function make(): Promise<Images> {
  store = await openImageStore();
  const bases = await makeBases(store);
  await addOtherPlatform(store, bases);
  const { revision, unixSeconds } = await currentCommit();
  const flags = [`--timestamp=${unixSeconds}`, `--label=org.opencontainers.image.revision=${revision}`];
  const image = 'localhost/operator';
  return { store, bases, operator: { image, configDigest: await store.build(image, bases, flags) } };
}

// After the tests of all files.
after(() => store?.close());
