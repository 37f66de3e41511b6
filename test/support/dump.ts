// All rows of all tables as Postgres writes them, the way a stolen dump has them.
import pg from 'pg'

/** By table name. */
export async function dump(url: string): Promise<Map<string, string>> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ name: string }>(
      `SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables
      WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`,
    )
    const tables = new Map<string, string>()
    for (const { name } of rows)
      tables.set(name, await copyOut(client, `COPY (SELECT * FROM ${name}) TO STDOUT`))
    return tables
  } finally {
    await client.end()
  }
}

/** The driver lets a query handle the server's messages itself; this one keeps the data of COPY. */
function copyOut(client: pg.Client, statement: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    client.query({
      submit: (connection: pg.Connection) => connection.query(statement),
      handleCopyData: ({ chunk }: { chunk: Buffer }) => void chunks.push(chunk),
      handleCommandComplete() {},
      handleReadyForQuery: () => resolve(Buffer.concat(chunks).toString()),
      handleError: reject,
    })
  })
}
