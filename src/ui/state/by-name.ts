/** What is known of a node: under its own name, or one that it was imported by. */
export const byName = <T>(known: ReadonlyMap<string, T>, id: string, origin: readonly string[]): T | undefined =>
  [id, ...origin].map(name => known.get(name)).find(found => found !== undefined)
