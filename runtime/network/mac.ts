/** Docker's rule: locally administered, then the four bytes of the address; 172.17.0.2 has 02:42:ac:11:00:02. */
export function macFromAddress(address: string): string {
  const bytes = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
  return ['02', '42', ...bytes].join(':');
}
