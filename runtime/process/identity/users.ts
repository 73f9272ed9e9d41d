/**
 * Who `-u` means, by the container's own passwd and group files: numbers, names, `user:group`, and the groups a
 * user is listed in. Rules and error words are those of Docker's (moby/sys/user, GetExecUser), since scripts match
 * on them. Nothing here touches a file, so every corner can be tested. Files may be of any size (lines.ts).
 */
import { MinidockError } from '../../errors.ts';
import type { Parts } from './lines.ts';
import { fieldsAt, groupPattern, userPattern, wantedOf, type Wanted } from './user-line.ts';

export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  /** The primary group first (CVE-2022-36109: without it among them, a setgid program could shed it). */
  readonly groups: readonly number[];
  readonly home: string;
}

export interface UserFiles {
  /** Of /etc/passwd and /etc/group. */
  readonly passwd: Parts;
  readonly group: Parts;
}

const MAX_ID = 0x7fffffff;
/** NGROUPS_MAX: what setgroups(2) takes. */
const MOST_GROUPS = 65_536;

export function resolveUser(
  spec: string,
  additionalGroups: readonly string[],
  files: UserFiles,
): ResolvedUser {
  const [userArg = '', groupArg = ''] = spec.split(':', 2);
  const entry = findUser(userArg, files.passwd);
  // As in Docker: naming a group means that one and no other the user may be listed in.
  const member = groupArg === '' ? entry.name : '';
  const named = groupArg === '' ? additionalGroups : [groupArg, ...additionalGroups];
  const { found, listed } = findGroups(named, member, files.group);
  const gids = named.map((group, index) => found[index] ?? gidOf(group));
  const gid = groupArg === '' ? entry.gid : (gids.shift() as number);
  return {
    uid: entry.uid,
    gid,
    groups: [...new Set([gid, ...listed, ...gids])],
    home: entry.home === '' ? '/' : entry.home,
  };
}

function findUser(arg: string, passwd: Parts): { name: string; uid: number; gid: number; home: string } {
  const wanted = wantedOf(arg === '' ? '0' : arg);
  const pattern = userPattern(wanted);
  let found: readonly string[] | undefined;
  passwd((text) => {
    for (const { index } of text.matchAll(pattern)) {
      const fields = fieldsAt(text, index);
      if (isComment(fields) || !isMeant(wanted, fields)) continue;
      found = fields;
      return false;
    }
    return true;
  });
  if (found !== undefined) {
    const [name = '', , uid = '', gid = '', , home = ''] = found;
    return { name, uid: entryId(uid, found), gid: entryId(gid, found), home };
  }
  if (wanted.number === undefined) {
    throw new MinidockError({
      code: 'USER_NOT_FOUND',
      message: `unable to find user ${arg}: no matching entries in passwd file`,
      hint: 'Names come from the image’s own /etc/passwd; a number always works.',
    });
  }
  return { name: '', uid: checkRange(wanted.number), gid: 0, home: '' };
}

/** In one reading: the numbers of the groups that are meant, by their place, and of those that have the member. */
function findGroups(
  args: readonly string[],
  member: string,
  group: Parts,
): { readonly found: readonly (number | undefined)[]; readonly listed: ReadonlySet<number> } {
  const wanted = args.map(wantedOf);
  const found = args.map((): number | undefined => undefined);
  const listed: number[] = [];
  const missing = (): readonly Wanted[] => wanted.filter((_, index) => found[index] === undefined);
  if (args.length === 0 && member === '') return { found, listed: new Set() };
  let pattern = groupPattern(wanted, member);
  group((text) => {
    pattern.lastIndex = 0;
    for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
      const fields = fieldsAt(text, match.index);
      const [, , gid = '', members = ''] = fields;
      if (isComment(fields) || !isId(gid)) continue;
      if (member !== '' && members.split(',').includes(member)) listed.push(Number(gid));
      if (listed.length > MOST_GROUPS) throw tooManyGroups(member);
      const before = missing().length;
      wanted.forEach((one, index) => {
        if (isMeant(one, fields)) found[index] ??= Number(gid);
      });
      if (missing().length === before) continue;
      if (missing().length === 0 && member === '') return false;
      // Each entry is searched once: a file may repeat it.
      const { lastIndex } = pattern;
      pattern = groupPattern(missing(), member);
      pattern.lastIndex = lastIndex;
    }
    return true;
  });
  return { found, listed: new Set(listed) };
}

const isMeant = ({ name, number }: Wanted, [own = '', , id = '']: readonly string[]): boolean =>
  own === name || (isDigits(id) && Number(id) === number);

const isComment = ([name = '']: readonly string[]): boolean => name.startsWith('#');

/** Of a group that no line names. */
function gidOf(arg: string): number {
  const { number } = wantedOf(arg);
  if (number !== undefined) return checkRange(number);
  throw new MinidockError({
    code: 'GROUP_NOT_FOUND',
    message: `unable to find group ${arg}: no matching entries in group file`,
    hint: 'Names come from the image’s own /etc/group; a number always works.',
  });
}

const isDigits = (text: string): boolean => /^\d+$/.test(text);

const isId = (text: string): boolean => isDigits(text) && Number(text) <= MAX_ID;

const tooManyGroups = (member: string): MinidockError =>
  new MinidockError({
    code: 'TOO_MANY_GROUPS',
    message: `the image’s /etc/group lists ${JSON.stringify(member)} in more than ${String(MOST_GROUPS)} groups`,
  });

/** Of the user that is meant: were it taken for 0, as Docker does, a slip in the file would make root of them. */
function entryId(text: string, entry: readonly string[]): number {
  if (isId(text)) return Number(text);
  throw new MinidockError({
    code: 'ID_OUT_OF_RANGE',
    message: `the image’s /etc/passwd gives ${JSON.stringify(entry[0] ?? '')} the id ${JSON.stringify(text)}: uids and gids must be in range 0-${MAX_ID}`,
  });
}

function checkRange(id: number): number {
  if (id >= 0 && id <= MAX_ID) return id;
  throw new MinidockError({
    code: 'ID_OUT_OF_RANGE',
    message: `uids and gids must be in range 0-${MAX_ID}`,
  });
}
