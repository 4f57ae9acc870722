/** A number with its noun. */
export const many = (n: number, one: string, other: string) =>
  `${n.toLocaleString("en")} ${n === 1 ? one : other}`;

export function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
