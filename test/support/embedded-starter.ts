// Run by Node as a process of its own: starts an embedded server in the directory it is given, prints the URL and
// waits to be killed.
import { startEmbeddedPostgres } from '../../src/db/embedded.ts'

const [directory] = process.argv.slice(2)
if (directory === undefined) throw new Error('Which directory?')
const server = await startEmbeddedPostgres({ directory, durable: false, log: () => {} })
console.log(server.url)
setInterval(() => {}, 60_000)
