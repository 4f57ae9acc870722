/** A number with its noun. */
export const many = (n: number, one: string, other: string) =>
  `${n.toLocaleString("en")} ${n === 1 ? one : other}`;
