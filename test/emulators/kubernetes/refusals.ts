// What the authorizer refuses: every user has all rights, except those that a test takes away.
import { type Access, type Permission, permits } from '../../access.ts';

export class Refusals {
  readonly #refused = new Map<string, { readonly user: string; readonly permission: Permission }>();

  add(user: string, permission: Permission): void {
    this.#refused.set(keyOf(user, permission), { user, permission });
  }

  remove(user: string, permission: Permission): void {
    this.#refused.delete(keyOf(user, permission));
  }

  refuses(user: string, access: Access): boolean {
    return [...this.#refused.values()].some((refused) => refused.user === user && permits(refused.permission, access));
  }
}

function keyOf(user: string, { verb, group, resource, namespace = '', name = '' }: Permission): string {
  return JSON.stringify([user, verb, group, resource, namespace, name]);
}
