/** Addresses of the host at which ports are published. Without an import: the page of `minidock ui` has it too. */

export const isEveryAddress = (hostIp: string): boolean => hostIp === '0.0.0.0' || hostIp === '::';

/** Before a port: an IPv6 address has colons itself. */
export const addressText = (address: string): string => (address.includes(':') ? `[${address}]` : address);
