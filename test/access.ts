// Requests as the API server's authorizer sees them, and the permissions that the RBAC roles of the manifests grant.
import type { Manifest } from './manifests.ts';

/** One request, in the terms of the API server's audit log. */
export interface Access {
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`, … */
  readonly verb: string;
  /** Empty for the core group. */
  readonly group: string;
  /** The plural, with its subresource: `registryreplications/status`. */
  readonly resource: string;
  readonly namespace?: string;
  /** Also set for a list or watch of a single object. */
  readonly name?: string;
}

/** One verb on one resource, expanded from a role's rule. */
export interface Permission {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  /** Undefined: every namespace, and cluster-scoped resources. */
  readonly namespace?: string;
  /** Undefined: every object. */
  readonly name?: string;
}

export interface Account {
  readonly namespace: string;
  readonly name: string;
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

export interface Role extends Manifest {
  readonly rules: readonly Rule[];
}

interface Binding extends Manifest {
  readonly roleRef: { readonly kind: string; readonly name: string };
  readonly subjects: readonly { readonly kind: string; readonly name: string; readonly namespace: string }[];
}

/** All permissions that the manifests' bindings give the account; throws if a binding's role is not among the manifests. */
export function permissionsOf(manifests: readonly Manifest[], account: Account): Permission[] {
  return manifests
    .filter(
      (manifest): manifest is Binding => manifest.kind === 'RoleBinding' || manifest.kind === 'ClusterRoleBinding',
    )
    .filter(({ subjects }) =>
      subjects.some(
        ({ kind, name, namespace }) =>
          kind === 'ServiceAccount' && name === account.name && namespace === account.namespace,
      ),
    )
    .flatMap(({ kind, metadata: { namespace }, roleRef }) => {
      const role = manifests.find(
        (manifest): manifest is Role =>
          manifest.kind === roleRef.kind &&
          manifest.metadata.name === roleRef.name &&
          (roleRef.kind === 'ClusterRole' || manifest.metadata.namespace === namespace),
      );
      if (!role) throw new Error(`${kind} of ${roleRef.kind} ${roleRef.name}, which is not there`);
      return role.rules.flatMap((rule) => expandRule(rule, kind === 'RoleBinding' ? namespace : undefined));
    });
}

function expandRule(rule: Rule, namespace: string | undefined): Permission[] {
  const names: readonly (string | undefined)[] = rule.resourceNames ?? [undefined];
  return rule.apiGroups.flatMap((group) =>
    rule.resources.flatMap((resource) =>
      rule.verbs.flatMap((verb) =>
        names.map((name) => ({
          verb,
          group,
          resource,
          ...(namespace !== undefined && { namespace }),
          ...(name !== undefined && { name }),
        })),
      ),
    ),
  );
}

export function permits(permission: Permission, access: Access): boolean {
  return (
    permission.verb === access.verb &&
    permission.group === access.group &&
    permission.resource === access.resource &&
    (permission.namespace === undefined || permission.namespace === access.namespace) &&
    (permission.name === undefined || permission.name === access.name)
  );
}

/** For messages: `patch events.k8s.io/events in registries`. */
export function formatAccess({ verb, group, resource, namespace, name }: Access | Permission): string {
  const what = `${verb} ${group ? `${group}/` : ''}${resource}${name === undefined ? '' : ` ${name}`}`;
  return namespace === undefined ? what : `${what} in ${namespace}`;
}
