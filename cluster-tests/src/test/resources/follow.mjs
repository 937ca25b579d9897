// Commits one row, says so, and goes on until a second one is committed after the connection was lost.
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
  max: 1,
});

await sql`insert into followed values ('node', 0)`;
fs.writeFileSync(process.env.READY, '');

let lost = false;
for (;;) {
  try {
    if (lost) {
      await sql`insert into followed values ('node', 1)`;
      break;
    }
    await sql`select 1`;
  } catch (error) {
    lost = true;
  }
  await new Promise((done) => setTimeout(done, 20));
}
await sql.end({ timeout: 1 });
