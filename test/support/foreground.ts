// A server of somebody else's, run in the foreground by a test: it ends with the test, whatever ends the test.
import { spawn } from 'node:child_process'
import { accessSync, chmodSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './process.ts'

export interface Foreground {
  /** What it has printed so far, errors included. */
  printed(): string
  /** Ends it and all of its children. */
  end(): Promise<void>
}

export interface Command {
  /** As it appears in failures. */
  readonly name: string
  readonly binary: string
  readonly args: readonly string[]
  readonly env?: Record<string, string>
  /** Whether it answers. */
  answers(): Promise<boolean>
  /** What it has written elsewhere about why it does not start. */
  errors?(): string
}

// Ends with its standard input, so also when the process that holds the other end was killed.
const UNTIL_INPUT_ENDS =
  'exec 3<&0; "$@" & pid=$!; { cat <&3 >/dev/null; kill $pid 2>/dev/null; } & wait $pid'

/** Runs it until it answers. @throws with what it printed when it ends before that */
export async function runInForeground(command: Command): Promise<Foreground> {
  const { name, binary, args, env } = command
  const child = spawn('/bin/sh', ['-c', UNTIL_INPUT_ENDS, 'sh', binary, ...args], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let said = ''
  const listen = (chunk: Buffer) => {
    said += chunk
  }
  child.stdout.on('data', listen)
  child.stderr.on('data', listen)
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const end = async () => {
    child.stdin.end()
    await ended
  }
  try {
    await until(`${name} answers`, async () => {
      if (child.exitCode !== null) throw new Error(`It has ended with ${child.exitCode}`)
      return command.answers()
    })
  } catch (cause) {
    await end()
    throw new Error(`${name} does not start:\n${said}${command.errors?.() ?? ''}`, { cause })
  }
  return { printed: () => said, end }
}

/** @throws with the command to run when the binary is not there */
export function checkInstalled(binary: string, what: string, debianPackage: string): void {
  try {
    accessSync(binary, constants.X_OK)
  } catch (cause) {
    throw new Error(
      `There is no ${what} for the tests. Run, as root: ` +
        `apt-get update && apt-get install -y --no-install-recommends ${debianPackage}`,
      { cause },
    )
  }
}

/** Whether somebody listens on the port of loopback. */
export function isListening(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** A proxy in front of whatever its configuration names. */
export interface RunningProxy {
  /** Where its configuration and the given files lie. */
  readonly directory: string
  /** What it has printed so far, errors included. */
  log(): string
  close(): Promise<void>
}

export interface ProxyOptions {
  /** A port of 127.0.0.1 that the configuration listens on: it is waited for. See free-port.ts. */
  readonly port: number
  readonly config: string
  /** Beside the configuration, by name: certificates and keys. The configuration names them without a directory. */
  readonly files?: Readonly<Record<string, string | Buffer>>
}

/**
 * Runs a proxy in a directory of its own, which an account without rights may enter.
 * @param files the configuration and what it names, by name
 * @param commandIn how it is run there
 */
export async function runProxy(
  { port, files }: { readonly port: number; readonly files: NonNullable<ProxyOptions['files']> },
  commandIn: (directory: string) => Omit<Command, 'answers'>,
): Promise<RunningProxy> {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-proxy-'))
  const remove = () => rmSync(directory, { recursive: true, force: true })
  chmodSync(directory, 0o755)
  for (const [file, content] of Object.entries(files)) writeFileSync(join(directory, file), content)
  try {
    const proxy = await runInForeground({ ...commandIn(directory), answers: () => isListening(port) })
    return {
      directory,
      log: proxy.printed,
      async close() {
        await proxy.end()
        remove()
      },
    }
  } catch (error) {
    remove()
    throw error
  }
}
