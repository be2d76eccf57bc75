/** Compares dotted versions number by number, as PostgreSQL extensions use them: `0.10.0` is above `0.9`. Text after the numbers is ignored. */
export function compareVersions(left: string, right: string): number {
  const [a, b] = [numbersOf(left), numbersOf(right)];
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return 0;
}

function numbersOf(version: string): readonly number[] {
  return (/^[\d.]*/.exec(version)?.[0] ?? '').split('.').map(Number);
}
