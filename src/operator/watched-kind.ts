// How RegistryReplications are listed and watched, and what is kept of them.
import { annotation, group, plural, version } from '../api/registryreplication.ts';
import type { ResourceKind } from '../kubernetes/client/collection.ts';
import { stringSharer } from '../kubernetes/client/shared-strings.ts';
import { keepAnnotations } from '../kubernetes/client/transform.ts';

export function watchedKind(): ResourceKind {
  const keepRead = keepAnnotations(...Object.values(annotation));
  const share = stringSharer();
  return {
    group,
    version,
    plural,
    // So few that what is dropped of a page is still in the young generation: with 500 the heap grows by what it frees.
    pageSize: 100,
    transform: (object) => share(keepRead(object)),
  };
}
