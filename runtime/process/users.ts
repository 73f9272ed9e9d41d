/**
 * Who `-u` means, by the container's own passwd and group files: numbers, names, `user:group`, and the groups a
 * user is listed in. Rules and error words are those of Docker's (moby/sys/user, GetExecUser), since scripts match
 * on them. Nothing here touches a file, so every corner can be tested.
 */
import { MinidockError } from '../errors.ts';

export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  /** The primary group first (CVE-2022-36109: without it among them, a setgid program could shed it). */
  readonly groups: readonly number[];
  readonly home: string;
}

export interface UserFiles {
  /** Text of /etc/passwd and /etc/group, '' where missing. */
  readonly passwd: string;
  readonly group: string;
}

const MAX_ID = 0x7fffffff;

export function resolveUser(
  spec: string,
  additionalGroups: readonly string[],
  files: UserFiles,
): ResolvedUser {
  const [userArg = '', groupArg = ''] = spec.split(':', 2);
  const entry = findUser(userArg, files.passwd);
  // A line whose number cannot be one is no group; Docker's own reading makes it group 0.
  const groups = parse(files.group).flatMap(([name = '', , gid = '', members = '']) =>
    isId(gid) ? [{ name, gid: Number(gid), members: members.split(',') }] : [],
  );
  const gid = groupArg === '' ? entry.gid : findGroup(groupArg, groups);
  // As in Docker: naming a group means that one and no other the user may be listed in.
  const listed =
    groupArg === '' && entry.name !== '' ? groups.filter(({ members }) => members.includes(entry.name)) : [];
  const added = additionalGroups.map((group) => findGroup(group, groups));
  return {
    uid: entry.uid,
    gid,
    groups: [...new Set([gid, ...listed.map((group) => group.gid), ...added])],
    home: entry.home === '' ? '/' : entry.home,
  };
}

function findUser(arg: string, passwd: string): { name: string; uid: number; gid: number; home: string } {
  const wanted = arg === '' ? '0' : arg;
  const number = parseId(wanted);
  const users = parse(passwd);
  const found = users.find(
    ([name, , uid]) => name === wanted || (number !== undefined && Number(uid) === number),
  );
  if (found !== undefined) {
    const [name = '', , uid = '', gid = '', , home = ''] = found;
    return { name, uid: entryId(uid, found), gid: entryId(gid, found), home };
  }
  if (number === undefined) {
    throw new MinidockError({
      code: 'USER_NOT_FOUND',
      message: `unable to find user ${arg}: no matching entries in passwd file`,
      hint: 'Names come from the image’s own /etc/passwd; a number always works.',
    });
  }
  return { name: '', uid: checkRange(number), gid: 0, home: '' };
}

function findGroup(arg: string, groups: readonly { readonly name: string; readonly gid: number }[]): number {
  const number = parseId(arg);
  const found = groups.find(({ name, gid }) => name === arg || gid === number);
  if (found !== undefined) return found.gid;
  if (number === undefined) {
    throw new MinidockError({
      code: 'GROUP_NOT_FOUND',
      message: `unable to find group ${arg}: no matching entries in group file`,
      hint: 'Names come from the image’s own /etc/group; a number always works.',
    });
  }
  return checkRange(number);
}

/** Lines of colon-separated fields; blank lines and comments do not count. */
const parse = (text: string): readonly (readonly string[])[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'));

const parseId = (text: string): number | undefined => (/^-?\d+$/.test(text) ? Number(text) : undefined);

const isId = (text: string): boolean => /^\d+$/.test(text) && Number(text) <= MAX_ID;

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
