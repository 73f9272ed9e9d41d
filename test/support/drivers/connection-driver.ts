/** Run by Bun: connects to the socket at the path given, says so, and prints what comes and that it ended. */
import { Connection } from '../../../src/io/connection.ts';

const connection: Connection = new Connection(
  { path: process.argv[2] ?? '' },
  {
    data: (chunk) => {
      console.log(`received ${chunk.toString()}`);
    },
    closed: () => {
      connection.close();
      console.log('closed');
    },
  },
);
connection.write(Buffer.from('hello'));
