// Assigns members to groups, each to at most one, with look-ups in both directions.

export class GroupIndex {
  readonly #members = new Map<string, Set<string>>();
  readonly #groupOf = new Map<string, string>();

  /** Assigns the member to this group only; undefined: to none. Returns the group that has lost its last member, if any. */
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

  /** The members in order of assignment; empty for an unknown group. */
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
