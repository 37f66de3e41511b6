import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { freePort } from '../support/free-port.ts'
import { latchkey, startLatchkey } from '../support/latchkey.ts'
import { type TestDatabase, testDatabase } from '../support/postgres.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

describe('latchkey', () => {
  it('says what it can do', async () => {
    const { code, stdout, stderr } = await latchkey(['--help']).finished
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const command of ['start', 'migrate', 'invite', 'scanner-rules'])
      expect(stdout).toMatch(new RegExp(`^ {2}latchkey ${command}\\s`, 'm'))
    expect(await latchkey(['-h']).finished).toMatchObject({ code: 0, stdout })
    // Without a command it is the answer to a mistake.
    expect(await latchkey([]).finished).toMatchObject({ code: 2, stdout: '', stderr: stdout })
  })

  it.each(['start', 'migrate', 'invite', 'scanner-rules'])(
    'says more about %s, and does not run it',
    async command => {
      const { code, stdout, stderr } = await latchkey([command, '--help'], { PORT: 'not read' }).finished
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toMatch(new RegExp(`^latchkey ${command}[ \n]`))
    },
  )

  it('prints its version', async () => {
    expect(await latchkey(['--version']).finished).toMatchObject({ code: 0, stdout: `${version}\n` })
  })

  it.each([
    [['frobnicate'], 'There is no command "frobnicate"'],
    [['toString'], 'There is no command "toString"'],
    [['start', 'now'], '"latchkey start" takes no arguments: now'],
    [['start', '--port=80'], "Unknown option '--port'"],
    [['migrate', '--json=yes'], "Option '--json' does not take an argument"],
    [['migrate', '--format', 'json'], '"latchkey migrate" has no option --format'],
  ])('tells what is wrong with %j', async (args, message) => {
    expect(await latchkey(args).finished).toEqual({
      code: 2,
      signal: null,
      stdout: '',
      stderr: `latchkey: ${message}. See: latchkey --help\n`,
    })
  })

  it('scanner-rules prints them in the format that is asked for, without a database', async () => {
    const settings = { TOKEN_PREFIX: 'acme,lk', ISSUER: 'https://id.example.com' }
    const run = (...args: string[]) => latchkey(['scanner-rules', ...args], settings).finished
    const gitleaks = await run()
    expect(gitleaks).toMatchObject({ code: 0, stderr: '' })
    expect(gitleaks.stdout).toContain('[[rules]]')
    expect(gitleaks.stdout).toContain('(?:acme|lk)_(?:live|test)_key_')
    expect(await run('--format', 'gitleaks')).toMatchObject({ code: 0, stdout: gitleaks.stdout })
    expect((await run('--format=trufflehog')).stdout).toMatch(/^detectors:$/m)
    expect((await run('--format', 'github')).stdout).toMatch(/^Secret format: /m)
    const json = await run('--json')
    expect(JSON.parse(json.stdout)).toMatchObject({ report: 'https://id.example.com/v1/leaks' })
    expect(await run('--format', 'xml')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'latchkey: There is no format "xml". There are: gitleaks, trufflehog, github, json.\n',
    })
  })

  it('reports wrong settings without a stack', async () => {
    expect(await latchkey(['migrate'], { PORT: 'x', SIGN_UP: 'y' }).finished).toEqual({
      code: 1,
      signal: null,
      stdout: '',
      stderr:
        'latchkey: The settings are not usable:\n' +
        '  - PORT must be a whole number from 1 to 65535.\n' +
        '  - SIGN_UP must be one of open, invite, closed.\n',
    })
  })

  it('names the data directory that cannot be one', async () => {
    const DATA_DIR = `${fileURLToPath(import.meta.url)}/data`
    const { code, stdout, stderr } = await latchkey(['migrate'], { DATA_DIR }).finished
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: '',
      stderr: `latchkey: DATA_DIR is ${DATA_DIR}, which cannot be used (ENOTDIR). Set it to a directory that this user may write to.\n`,
    })
  })
})

describe('on a database', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await testDatabase()
  })
  afterAll(() => database?.drop())

  const settings = () => ({
    DATABASE_URL: database.url,
    LATCHKEY_SECRETS: Buffer.alloc(32, 7).toString('base64url'),
    LOG_LEVEL: 'warn',
  })

  it('migrate names what it ran, then has nothing to do', async () => {
    const { code, stdout } = await latchkey(['migrate'], settings()).finished
    expect(code).toBe(0)
    expect(stdout).toMatch(/^(\d{4}-\d\d-\d\dT\d{4}-[a-z-]+\n)+$/)
    expect(await latchkey(['migrate'], settings()).finished).toMatchObject({ stdout: 'nothing to do\n' })
    const json = await latchkey(['migrate', '--json'], settings()).finished
    expect(JSON.parse(json.stdout)).toEqual({ applied: [] })
  })

  it('invite needs an administrator', async () => {
    const { code, stdout, stderr } = await latchkey(['invite'], settings()).finished
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('Make the first administrator')
  })

  it('start names the port that is taken, and says nothing else', async () => {
    const port = String(await freePort())
    const first = await startLatchkey({ ...settings(), PORT: port })
    const { code, stdout, stderr } = await latchkey(['start'], { ...settings(), PORT: port }).finished
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toBe(
      `latchkey: Cannot listen on 127.0.0.1 port ${port} (EADDRINUSE). Another process does. Stop it, or set PORT.\n`,
    )
    expect(await first.end()).toMatchObject({ code: 0 })
  })
})
