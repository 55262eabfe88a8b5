// Who belongs to which group, each to one at the most, found from either side.

export class GroupIndex {
  readonly #members = new Map<string, Set<string>>();
  readonly #groupOf = new Map<string, string>();

  /** The member belongs to this group now, and to no other; undefined: to none. Returns the group that has lost its last member by that. */
  assign(member: string, group: string | undefined): string | undefined {
    const before = this.#groupOf.get(member);
    if (before === group) return undefined;
    const emptied = this.#leave(member, before);
    if (group !== undefined) {
      this.#groupOf.set(member, group);
      const members = this.#members.get(group) ?? new Set();
      this.#members.set(group, members.add(member));
    }
    return emptied;
  }

  /** The members in the order of their coming; none where there is no such group. */
  membersOf(group: string): readonly string[] {
    return [...(this.#members.get(group) ?? [])];
  }

  has(group: string): boolean {
    return this.#members.has(group);
  }

  #leave(member: string, group: string | undefined): string | undefined {
    if (group === undefined) return undefined;
    this.#groupOf.delete(member);
    const members = this.#members.get(group);
    members?.delete(member);
    if (members?.size !== 0) return undefined;
    this.#members.delete(group);
    return group;
  }
}
