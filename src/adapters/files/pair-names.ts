import { collisionKey, type RevisionName } from './revision-name.ts';

/** The files of one revision, by name. `down` is undefined for TypeScript, which has both directions in one file. */
export interface NamePair {
  readonly up: RevisionName;
  readonly down: RevisionName | undefined;
}

export interface NameFault {
  readonly fileName: string;
  readonly message: string;
  readonly hint: string | undefined;
}

/** Puts the files of a folder together into revisions; a group of files that is none becomes one fault. */
export function pairNames(names: readonly RevisionName[]): {
  readonly pairs: readonly NamePair[];
  readonly faults: readonly NameFault[];
} {
  const groups = new Map<string, RevisionName[]>();
  for (const name of names) {
    const key = collisionKey(name);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [name]);
    else group.push(name);
  }
  const pairs: NamePair[] = [];
  const faults: NameFault[] = [];
  for (const group of groups.values()) {
    const fault = findGroupFault(group);
    if (fault !== undefined) faults.push(fault);
    else pairs.push({ up: group.find(isUp) as RevisionName, down: group.find(({ part }) => part === 'down') });
  }
  return { pairs, faults };
}

function isUp(name: RevisionName): boolean {
  return name.part !== 'down';
}

function findGroupFault(group: readonly RevisionName[]): NameFault | undefined {
  const [first, other] = group;
  if (first === undefined) return undefined;
  const ups = group.filter(isUp);
  const stranger = group.find(({ stem }) => stem !== first.stem);
  if (stranger !== undefined) return collision(first, stranger);
  if (ups.length > 1) return collision(ups[0] as RevisionName, ups[1] as RevisionName);
  const up = ups[0];
  if (up === undefined && other !== undefined) return collision(first, other);
  if (up === undefined) {
    return {
      fileName: first.fileName,
      message: 'has no up beside it',
      hint: `add ${first.stem}.up.sql, or remove this file`,
    };
  }
  const downs = group.filter((name) => !isUp(name));
  const surplus = downs[up.part === 'code' ? 0 : 1];
  return surplus === undefined ? undefined : collision(up, surplus);
}

function collision(left: RevisionName, right: RevisionName): NameFault {
  const alike =
    left.stem === right.stem ? '' : ': names that differ only in case, zeros, date or the way letters are composed';
  return {
    fileName: right.fileName,
    message: `is the same revision as ${left.fileName}${alike}`,
    hint: 'keep one of them, or give one another number',
  };
}
