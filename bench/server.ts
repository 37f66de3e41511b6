/** The servers that are compared, each a process of its own, so that its CPU time can be read. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface Server {
  readonly port: number
  /** CPU time used so far, in seconds. */
  cpu(): Promise<number>
  stop(): Promise<void>
}

/** What a server process says to the bench. */
export type Report = { readonly port: number } | { readonly cpu: number }

/** @param name a file in bench/servers */
export async function startServer(name: string, environment: Record<string, string> = {}): Promise<Server> {
  const path = fileURLToPath(new URL(`./servers/${name}.js`, import.meta.url))
  const child: ChildProcess = fork(path, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const { port } = await answerOf(child, 'port')
  return {
    port,
    async cpu() {
      child.send('cpu')
      return (await answerOf(child, 'cpu')).cpu
    },
    async stop() {
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
    },
  }
}

/** The next report that has `key`. @throws Error when the process ends instead */
function answerOf<K extends 'port' | 'cpu'>(child: ChildProcess, key: K): Promise<Record<K, number>> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`the server ended with ${code}`))
    const onMessage = (report: Record<string, number>) => {
      if (!(key in report)) return
      child.off('message', onMessage)
      child.off('exit', onExit)
      resolve(report as Record<K, number>)
    }
    child.on('message', onMessage)
    child.on('exit', onExit)
  })
}
