// The least that a Node program can do: connect to the databases at once with `pg` and read one row of each.
import pg from 'pg';

await Promise.all(
  process.argv.slice(2).map(async (connectionString) => {
    const client = new pg.Client({ connectionString });
    await client.connect();
    await client.query('SELECT name FROM orch.heads LIMIT 1');
    await client.end();
  }),
);
