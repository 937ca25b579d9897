// Commits a row through the loss of its session, says so, and goes on until another server has committed a second one.
import fs from 'node:fs';
import postgres from 'postgres';

const READ_ONLY = '25006';

const hosts = process.env.HOSTS.split(',').map((one) => one.split(':'));
const connect = () => postgres({
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
let sql = connect();

const pause = () => new Promise((done) => setTimeout(done, 20));
const server = async () => (await sql`select inet_server_port() as port`)[0].port;

// When a server ends a session with a statement under way, the package (3.4.9) does not ask whether the next server that
// it connects to takes writes, and stays there.
const asReadmeSays = async (error) => {
  if (error.code !== READ_ONLY) return;
  await sql.end({ timeout: 1 });
  sql = connect();
};

await sql`insert into followed values ('lost', 0)`;
const first = await server();
await sql`select pg_terminate_backend(pg_backend_pid()), pg_sleep(10)`.catch(() => {});
for (let committed = false; !committed; await pause()) {
  try {
    await sql`insert into followed values ('node', 0)`;
    committed = true;
  } catch (error) {
    await asReadmeSays(error);
  }
}
fs.writeFileSync(process.env.READY, '');

// The package reconnects by itself between two statements, so a failover need not be seen as an error.
for (let followed = false; !followed; await pause()) {
  try {
    if ((await server()) !== first) {
      await sql`insert into followed values ('node', 1)`;
      followed = true;
    }
  } catch (error) {
    // The connection was lost with a statement under way: ask again.
    await asReadmeSays(error);
  }
}
await sql.end({ timeout: 1 });
