/** All cases, by area; listed by hand, since a compiled program has no directory to look into. */
import type { AttackCase } from '../case.ts';
import { archiveCases } from './archives.ts';
import { classicCases } from './classics.ts';
import { commitCases } from './commits.ts';
import { copyCases } from './copies.ts';
import { execCases } from './exec.ts';
import { exportCases } from './files/exports.ts';
import { waylaidCases } from './exec-waylaid.ts';
import { evasion6Cases } from './ipv6/evasions.ts';
import { formerFlow6Cases } from './ipv6/former-flows.ts';
import { healthCases } from './health.ts';
import { imageMountCases } from './files/image-mounts.ts';
import { joinedCases } from './joined.ts';
import { leaseCases } from './files/leases.ts';
import { mountCases } from './mounts.ts';
import { nameCases } from './names.ts';
import { networkCases } from './network.ts';
import { network6Cases } from './ipv6/forged.ts';
import { ownFileCases } from './own-files.ts';
import { placesCases } from './places.ts';
import { powerCases } from './files/powers.ts';
import { processCases } from './process.ts';
import { raceCases } from './races.ts';
import { registryCases } from './registries.ts';
import { sharedNamespaceCases } from './shared-namespaces.ts';
import { subpathCases } from './subpaths.ts';
import { sysctlCases } from './sysctls.ts';
import { volumeFileSystemCases } from './files/volume-file-systems.ts';
import { volumeCases } from './volumes.ts';
import { wordCases } from './hostile-words.ts';

export const ALL_CASES: readonly AttackCase[] = [
  ...archiveCases,
  ...classicCases,
  ...commitCases,
  ...copyCases,
  ...execCases,
  ...waylaidCases,
  ...exportCases,
  ...evasion6Cases,
  ...formerFlow6Cases,
  ...healthCases,
  ...imageMountCases,
  ...joinedCases,
  ...leaseCases,
  ...mountCases,
  ...nameCases,
  ...networkCases,
  ...network6Cases,
  ...ownFileCases,
  ...placesCases,
  ...powerCases,
  ...processCases,
  ...raceCases,
  ...registryCases,
  ...sharedNamespaceCases,
  ...subpathCases,
  ...sysctlCases,
  ...volumeFileSystemCases,
  ...volumeCases,
  ...wordCases,
];
