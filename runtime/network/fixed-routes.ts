/** Settings of a container's interface by which nobody but minidock chooses where it sends to. */

/** By the names of sysctl(8); `ipv6`: the kernel has it. */
export const routesFixedAt = (interfaceName: string, ipv6: boolean): Readonly<Record<string, string>> => ({
  [`net.ipv4.conf.${interfaceName}.accept_redirects`]: '0',
  ...(ipv6
    ? {
        [`net.ipv6.conf.${interfaceName}.accept_ra`]: '0',
        [`net.ipv6.conf.${interfaceName}.accept_redirects`]: '0',
        [`net.ipv6.conf.${interfaceName}.disable_ipv6`]: '1',
      }
    : {}),
});
