/** Up to `limit` names, and how many more there are. */
export function some(names: readonly string[], limit = 8): string {
  const more = names.length - limit;
  return `${names.slice(0, limit).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
