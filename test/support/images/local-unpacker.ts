/** Unpacks in this process, for tests of the store that need neither root nor the compiled program. */
import { makeOverrides } from '../../../images/unpack/overrides.ts';
import type { Unpacker } from '../../../images/unpack/types.ts';
import { unpackLayer } from '../../../images/unpack/unpack.ts';
import { recordingCalls } from '../kernel/recording-calls.ts';

export interface LocalUnpacker extends Unpacker {
  /** How many layers were really unpacked. */
  unpacked: number;
}

export function localUnpacker(): LocalUnpacker {
  const unpacker: LocalUnpacker = {
    unpacked: 0,
    unpackLayer: async ({ blob, target, diffId, size }, { onProgress, more }) => {
      unpacker.unpacked += 1;
      return await unpackLayer(blob, target, recordingCalls(target), {
        enterRoot: false,
        diffId,
        growing: size === undefined || more === undefined ? undefined : { size, more },
        onProgress,
      });
    },
    makeOverrides: (request) => Promise.resolve(makeOverrides(request, recordingCalls(request.target))),
  };
  return unpacker;
}
