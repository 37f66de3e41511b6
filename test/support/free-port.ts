// Ports for servers that are told where to listen.
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * Below those that the system gives to whoever connects or asks for any, and each worker of a run has its own: nobody
 * takes a port between here and the server that is to listen there, however long that takes to start.
 */
const FIRST = 20_000
const LAST = 32_767
const WORKERS = 16
const worker = Number(process.env.JEST_WORKER_ID ?? 0) % WORKERS
const ROUND = Math.floor((LAST - FIRST) / WORKERS)

let next = randomInt(ROUND)

/** Of 127.0.0.1; never the same again in one test file. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < ROUND; tries++) {
    const port = FIRST + (next++ % ROUND) * WORKERS + worker
    if (await isFree(port)) return port
  }
  throw new Error(`no port is free between ${FIRST} and ${LAST}`)
}

function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise(resolve => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
