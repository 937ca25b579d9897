// Commits one row, says so, and goes on with the same client until another server has committed a second one.
import fs from 'node:fs';
import postgres from 'postgres';

const hosts = process.env.HOSTS.split(',').map((one) => one.split(':'));
const sql = postgres({
  host: hosts.map(([host]) => host),
  port: hosts.map(([, port]) => Number(port)),
  database: 'app',
  username: 'app',
  password: process.env.PASSWORD,
  target_session_attrs: 'read-write',
  connect_timeout: 2,
  // By default the pause grows with each attempt that finds no primary, up to 20 s: longer than any failover.
  backoff: () => 0.1,
  max: 1,
});

const server = async () => (await sql`select inet_server_port() as port`)[0].port;

await sql`insert into followed values ('node', 0)`;
const first = await server();
fs.writeFileSync(process.env.READY, '');

// The package reconnects by itself between two statements, so a failover need not be seen as an error.
for (;;) {
  try {
    if ((await server()) !== first) {
      await sql`insert into followed values ('node', 1)`;
      break;
    }
  } catch (error) {
    // The connection was lost with a statement under way: ask again.
  }
  await new Promise((done) => setTimeout(done, 20));
}
await sql.end({ timeout: 1 });
