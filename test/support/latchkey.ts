// The `latchkey` command as an operator runs it: a process of its own, with nothing of our environment but its paths.
import { fileURLToPath } from 'node:url'
import { type Finished, type Running, runNode } from './process.ts'

const COMMAND = fileURLToPath(new URL('../../bin/latchkey.mjs', import.meta.url))

export function latchkey(args: readonly string[], settings: Record<string, string> = {}): Running {
  const { PATH, HOME, TMPDIR } = process.env
  return runNode([COMMAND, ...args], { env: { PATH, HOME, TMPDIR, ...settings } })
}

export interface Started extends Running {
  /** What it printed until `ready`, line by line. */
  readonly lines: readonly string[]
  /** The rest of the line that begins with `word`. */
  said(word: string): string | undefined
  /** SIGTERM, and what it left. */
  end(): Promise<Finished>
}

/** `latchkey start`, up to `ready`. */
export async function startLatchkey(settings: Record<string, string>): Promise<Started> {
  const running = latchkey(['start'], settings)
  const { input } = await running.printed(/^ready$/m)
  const lines = input.trimEnd().split('\n')
  return {
    ...running,
    lines,
    said: word => lines.find(line => line.startsWith(`${word} `))?.slice(word.length + 1),
    end() {
      running.process.kill('SIGTERM')
      return running.finished
    },
  }
}
