import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { isAlive, runNode, until } from '../support/process.ts'

const BIN = fileURLToPath(new URL('../../bin', import.meta.url))
const ON_NODE = join(BIN, 'on-node.mjs')
const PINNED = `node-24.21.0-${process.platform}-${process.arch}`

let directory: string

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'latchkey-launcher-'))
})

afterAll(() => rmSync(directory, { recursive: true }))

function script(name: string, lines: string): string {
  const path = join(directory, name)
  writeFileSync(path, lines)
  return path
}

describe('running a command', () => {
  test('passes arguments, standard streams and the exit code', async () => {
    const path = script(
      'echo.mjs',
      'console.log(process.argv.slice(2)); process.stdin.pipe(process.stdout); process.exitCode = 7',
    )
    const result = await runNode([ON_NODE, path, 'a', '--b=c d'], { input: 'said\n' }).finished
    expect(result).toEqual({ code: 7, signal: null, stdout: "[ 'a', '--b=c d' ]\nsaid\n", stderr: '' })
  })

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'passes %s on, and lets the command finish',
    async signal => {
      const path = script(
        'patient.mjs',
        `process.on('${signal}', () => setTimeout(() => { console.log('done'); process.exit(3) }, 50))
       setInterval(() => {}, 60_000); console.log('up')`,
      )
      const launcher = runNode([ON_NODE, path])
      await launcher.printed(/up/)
      launcher.process.kill(signal)
      expect(await launcher.finished).toMatchObject({ code: 3, stdout: 'up\ndone\n' })
    },
  )

  test('ends by the signal that ended the command', async () => {
    const path = script('killed.mjs', `process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 60_000)`)
    expect(await runNode([ON_NODE, path]).finished).toMatchObject({ code: null, signal: 'SIGKILL' })
  })

  test('a command does not outlive a launcher that is killed', async () => {
    const launcher = runNode([
      ON_NODE,
      script('stays.mjs', 'console.log(process.pid); setInterval(() => {}, 60_000)'),
    ])
    const pid = Number(await launcher.printed(/\d+/))
    launcher.process.kill('SIGKILL')
    await until('the command has ended', () => !isAlive(pid))
  })
})

describe('choosing a Node', () => {
  const ask = (name: string, call: string) =>
    script(
      name,
      `import { isSupported, nodeBinary } from ${JSON.stringify(join(BIN, 'node-binary.mjs'))}
       import { orExplain, run } from ${JSON.stringify(ON_NODE)}
       orExplain(() => { ${call} })`,
    )

  test('takes the running one from 22.12 on', async () => {
    const versions = ['v20.20.2', 'v22.11.0', 'v22.12.0', 'v22.9.0', 'v23.0.0', 'v24.21.0', 'v100.0.0']
    const path = ask('versions.mjs', `console.log(${JSON.stringify(versions)}.map(isSupported).join())`)
    expect((await runNode([path]).finished).stdout.trim()).toBe('false,false,true,false,true,true,true')
    const own = ask('own.mjs', `console.log(nodeBinary({ caches: [] }))`)
    expect((await runNode([own]).finished).stdout.trim()).toBe(process.execPath)
  })

  test('an old one runs the command on the fetched one, without a word and without npm', async () => {
    const cache = join(directory, 'cache')
    mkdirSync(join(cache, PINNED), { recursive: true })
    symlinkSync(process.execPath, join(cache, PINNED, 'node'))
    const caches = JSON.stringify([join(directory, 'empty'), cache])
    const path = ask(
      'old.mjs',
      `run(nodeBinary({ version: 'v20.20.2', caches: ${caches} }), ['-p', 'process.argv0'])`,
    )
    const env = { ...process.env, npm_execpath: script('npm-cli.js', 'process.exit(1)') }
    const { stdout, stderr } = await runNode([path], { env }).finished
    expect(stdout.trim()).toBe(join(cache, PINNED, 'node'))
    expect(stderr).toBe('')
    expect(existsSync(join(directory, 'empty'))).toBe(false)
  })

  test('says what to do when it cannot be fetched, and leaves nothing behind', async () => {
    const cache = join(directory, 'unreachable')
    const path = ask(
      'offline.mjs',
      `run(nodeBinary({ version: 'v20.20.2', caches: [${JSON.stringify(cache)}] }), ['-p', '1'])`,
    )
    const env = {
      ...process.env,
      npm_execpath: script('npm-cli.js', `console.error('no network'); process.exit(1)`),
    }
    const { code, stderr } = await runNode([path], { env }).finished
    expect(code).toBe(1)
    expect(stderr).toMatch(/^Node v20\.20\.2 is too old: fetching Node 24\.21\.0 once/)
    expect(stderr).toContain('no network')
    expect(stderr).toContain('install Node 22.12 or newer')
    expect(stderr).not.toMatch(/\n\s+at /)
    expect(readdirSync(cache)).toEqual([])
  })

  test('says so when there is nowhere to keep it', async () => {
    const file = script('a-file', '')
    chmodSync(file, 0o600)
    const path = ask(
      'nowhere.mjs',
      `nodeBinary({ version: 'v20.20.2', caches: [${JSON.stringify(join(file, 'x'))}] })`,
    )
    const { code, stderr } = await runNode([path]).finished
    expect(code).toBe(1)
    expect(stderr).toContain('No directory can be written')
  })
})
