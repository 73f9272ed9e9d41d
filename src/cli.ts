/** Entry: dispatch only. */
async function main(): Promise<void> {
  console.log('minidock');
}
void main();
