/** `--disable-content-trust` of pull and push: true, the default, does nothing; run's is in refused-flags.ts. */
import { invalidSpec } from '../../engine/spec/flag-errors.ts';

const WHY = 'minidock checks images by their digests, and no signatures';

export const CONTENT_TRUST = `Refused: ${WHY}`;

export function refuseContentTrust(flags: { readonly disableContentTrust: boolean }): void {
  if (!flags.disableContentTrust) throw invalidSpec(`--disable-content-trust false is not supported: ${WHY}`);
}
