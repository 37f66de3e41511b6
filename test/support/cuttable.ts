// A way to a server that can be cut and mended: what a network or a database that goes away looks like from outside.
import { connect, createServer, type Socket } from 'node:net'
import { freePort } from './free-port.ts'

export interface Cuttable {
  /** The URL it was made for, with the host and port of this way to it. */
  readonly url: string
  /** Ends every connection; new ones are refused. */
  cut(): Promise<void>
  mend(): Promise<void>
}

/** @param target a URL with host and port. Call `cut` when the test is over. */
export async function cuttable(target: string): Promise<Cuttable> {
  const to = new URL(target)
  const sockets = new Set<Socket>()
  const server = createServer(incoming => {
    const outgoing = connect({ host: to.hostname, port: Number(to.port || 5432) })
    for (const [one, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.add(one)
      one.pipe(other)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
  })
  const listen = () =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', () => {
        server.off('error', reject)
        resolve()
      })
    })
  // Nobody else's while it is cut.
  const port = await freePort()
  await listen()
  const here = new URL(target)
  here.host = `127.0.0.1:${port}`
  return {
    url: here.href,
    cut: () =>
      new Promise(resolve => {
        if (!server.listening) return resolve()
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
    mend: listen,
  }
}
