// Operations of JSON patches. Pure; the page of the map has it too.

/** The operations of JSON Patch (RFC 6902) that are used here. */
export type PatchOperation =
  | { readonly op: 'test' | 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

/** Lets a patch fail unless the object still has this uid and generation. A new status changes neither. */
export function unlessEdited(uid: string | undefined, generation: number | undefined): PatchOperation[] {
  return [
    { op: 'test', path: '/metadata/uid', value: uid },
    { op: 'test', path: '/metadata/generation', value: generation },
  ];
}
