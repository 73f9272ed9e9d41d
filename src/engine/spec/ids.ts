/** Identities: 64 random hex digits, and a default name of two words. */

/** `bytes` random bytes. Web Crypto is there from the start; loading node:crypto takes 3 ms of each process. */
export const randomHex = (bytes: number): string =>
  Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString('hex');

/** Its short form is a host name, and one of digits alone would be read as an address; so Docker makes none either. */
export function newId(): string {
  for (;;) {
    const id = randomHex(32);
    if (/[a-f]/.test(shortId(id))) return id;
  }
}

export const isId = (name: string): boolean => /^[0-9a-f]{64}$/.test(name);
export const shortId = (id: string): string => id.slice(0, 12);

const QUALITIES =
  'amber bold brisk calm candid clever cosmic crisp dapper eager earnest fair fleet frosty gentle golden happy hardy ' +
  'honest humble jolly keen kind lively lucid lucky mellow merry mighty modest nimble noble patient plucky proud ' +
  'quick quiet radiant ready robust rustic serene sharp silent sincere smart sober solid spry steady stoic sunny ' +
  'swift tidy tough upbeat valiant vivid warm wise witty zesty';
const PEOPLE =
  'allen babbage backus berners bartik blackwell boole cerf church codd conway curie dijkstra engelbart euler floyd ' +
  'gauss goldberg hamilton hamming hoare holberton hopper jacobson johnson kahn kernighan kildall knuth lamarr lamport ' +
  'liskov lovelace mccarthy metcalfe milner minsky moore naur neumann noether pascal perlman perlis postel ritchie ' +
  'shannon simon spence stallman sutherland tanenbaum tarjan thompson torvalds turing wilkes wirth zuse';

const pick = (words: string): string => {
  const list = words.split(' ');
  const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
  return list[random % list.length] as string;
};

export const randomName = (): string => `${pick(QUALITIES)}_${pick(PEOPLE)}`;
