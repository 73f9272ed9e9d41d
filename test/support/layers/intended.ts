/**
 * Where minidock means to differ from Docker 26.1 (overlay2), and why. A case that differs without standing here fails
 * the suite, and so does a line that no case needs. What minidock does instead is in minidock-answers.txt.
 */
export interface Intended {
  readonly why: string;
  /** Names of cases. */
  readonly cases: RegExp;
}

export const intended: readonly Intended[] = [
  {
    why: 'What decompression says is wrong is wrong. Docker stops reading where the archive ends, before the checksum.',
    cases: /^compressed: gzip(, then text| without its checksum| with a wrong checksum)$/,
  },
  {
    why: 'A path twice in one archive: the last entry counts. Docker’s tar-split refuses such layers; GNU tar appends.',
    cases:
      /^replace: (?!.* below by ).* by (?!a whiteout)|^extended: global twice$|^time: of a directory listed twice$|^link: (over (another file|a directory|a symbolic link to its file)|.*its file is (replaced|listed again).*|is replaced after it|its file becomes a directory)$|^whiteout: opaque, twice$/,
  },
  {
    why:
      'A whiteout hides what is below, whichever of its own layer’s entries come first (image-spec, layer.md). ' +
      'overlay2 fails on one that comes late (mknod: file exists), and merges a directory that comes after one.',
    cases:
      /^replace: (?!.* below by ).* by a whiteout$|^replace: a whiteout by |^whiteout: (twice|around a file|after a .*|before a directory.*|between a directory.*|in a directory (before|after) its own whiteout|of a directory, and one deeper again|opaque, and its own whiteout after|a directory removed and created twice|the same replaced directory again)$|^import: whiteouts$/,
  },
  {
    why: 'An opaque root hides all layers below (image-spec, layer.md); overlayfs does not look at the mark that overlay2 makes.',
    cases: /^whiteout: opaque, of the root|^whiteout: the same opaque root again$|^import: an opaque root$/,
  },
  {
    why: 'A directory that a layer does not list keeps the metadata it has below (overrides.ts); overlay2 gives it to root, 0755, as of now.',
    cases:
      /^whiteout: (of a file in a directory not listed|opaque, not listed|opaque alone|opaque, deeper|opaque, then the layer above adds|a whiteout in the lowest of two|aufs: .wh..wh..opq with more|a parent not listed, .*)$|^replace: .* below by a directory not listed$/,
  },
  {
    why: 'A parent that is a symbolic link is followed to a directory of the image, which overlay2 does not see while it unpacks.',
    cases:
      /^whiteout: a parent that is a link (to nothing|in this layer)$|^replace: a dead link by a directory not listed$/,
  },
  {
    why: 'A hard link may come before its file, lead to a file of a layer below (overrides.ts), or to itself; overlay2 fails on link(2).',
    cases: /^(link|import): (a link )?(before its file|to a file below|to a file two below|to itself$)/,
  },
  {
    why: 'A hard link to what the same layer takes away is refused; overlay2 links the whiteout, so that the link vanishes too.',
    cases: /^link: to a file below that this layer takes away$/,
  },
  {
    why: 'More kinds of entry are read: contiguous and sparse files, volume labels and lists of names of GNU tar, headers of Solaris.',
    cases:
      /^header: (contiguous file with a slash|type "[7VND]")$|^extended: (PAX for a volume label|X as in Solaris)$|^sparse: old/,
  },
  {
    why: 'An attribute of a kind that the kernel does not know is left out; Docker refuses the layer from 25 on.',
    cases: /^extended: attribute (of an unknown kind|without a kind)$/,
  },
  {
    why: 'An owner of more than 32 bits is refused; Docker cuts it off, and makes root of 2^32.',
    cases: /^header: owner of more than 32 bits$|^extended: [ug]id=4294967296$/,
  },
  {
    why: 'A symbolic link’s time beyond 64 bits of nanoseconds counts as 1970, like a file’s; in Docker it overflows.',
    cases: /^time: (9223372037|\d{11,16}|-\d{10,}) of each kind$|^time: \d{12,} in base 256$/,
  },
  {
    why:
      'The lower one of two equal layers is left out of the overlay (layer-stack.ts). A whiteout that hides nothing shows ' +
      'as a dead name in a directory that one layer alone has; so it does in Docker for a lowest layer.',
    cases: /^whiteout: the lowest layer with a whiteout again$/,
  },
];
