// The first run and every later one, as an operator meets them: the real command, a real database, no settings of ours.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { currentHome } from '../../src/db/embedded/home.ts'
import { createAgent } from '../support/agent.ts'
import { type MigratedDatabase, migratedDatabase } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { latchkey, type Started, startLatchkey } from '../support/latchkey.ts'
import { ORDERS, PASSWORD } from '../support/orders.ts'
import { isAlive, runNode, until } from '../support/process.ts'
import { removeDirectory } from '../support/test-directory.ts'

const README = fileURLToPath(new URL('../../README.md', import.meta.url))
const EXAMPLE = fileURLToPath(new URL('../../examples/latchkey.yaml', import.meta.url))
const grace = { username: 'grace', name: 'Grace Hopper', email: 'grace@example.com', password: PASSWORD }

interface TokenResponse {
  readonly access_token: string
  readonly scope: string
}

const keysOf = async (issuer: string) =>
  ((await (await fetch(`${issuer}/jwks`)).json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid)

/** Every line is JSON, so that a log collector can read it. */
function expectJsonLines(text: string) {
  for (const line of text.trimEnd().split('\n')) expect(() => JSON.parse(line)).not.toThrow()
}

/** Runs the printed line in a shell; without curl, sends what it says. */
async function run(line: string): Promise<TokenResponse> {
  const shell = spawnSync('sh', ['-c', line], { encoding: 'utf8' })
  if (shell.status === 0) return JSON.parse(shell.stdout)
  expect(`${shell.status} ${shell.stderr}`).toMatch(/^127 /) // no such command, and nothing else
  const words = line.split(' ')
  const after = (option: string) =>
    words.flatMap((word, at) => (word === option ? [words[at + 1] ?? ''] : []))
  const response = await fetch(words.at(-1) ?? '', {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(after('-u')[0] ?? '')}` },
    body: new URLSearchParams(after('-d').join('&')),
  })
  return (await response.json()) as TokenResponse
}

describe('the first run', () => {
  let directory: string
  let server: Started
  let settings: Record<string, string>

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'latchkey-test-'))
    settings = { DATA_DIR: directory, PORT: String(await freePort()) }
    server = await startLatchkey(settings)
  })
  afterAll(async () => {
    await server?.end()
    removeDirectory(join(directory, 'postgres'))
    removeDirectory(directory)
  })

  const issuer = () => `http://localhost:${settings.PORT}`

  it('prints the lines of the contract, in order, and nothing else', () => {
    expect(server.lines).toEqual([
      `issuer ${issuer()}`,
      expect.stringMatching(`^admin ${issuer()}/admin/first-account\\?token=[\\w-]{43}$`),
      `data ${directory}`,
      expect.stringMatching(/^try curl -s -u latchkey-demo:[\w-]{43} -d .* http:.*\/token$/),
      'ready',
    ])
  })

  it('prints a curl that gets a token, which an API verifies with the published keys', async () => {
    const { access_token: token } = await run(server.said('try') ?? '')
    const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(`${issuer()}/jwks`)), {
      issuer: issuer(),
      audience: 'https://demo.latchkey.example',
      typ: 'at+jwt',
    })
    expect(payload).toMatchObject({ sub: 'latchkey-demo', scope: 'read:demo' })

    const [, script = ''] = /```js\n(.*?)```/s.exec(readFileSync(README, 'utf8')) ?? []
    const input = script.replace('http://localhost:3000', issuer())
    expect(await runNode(['--input-type=module', '-', token], { input }).finished).toMatchObject({
      code: 0,
      stdout: 'latchkey-demo may read:demo\n',
    })
  })

  it('makes the first administrator through the printed link, once', async () => {
    const link = server.said('admin') ?? ''
    const browser = createAgent(issuer())
    const form = await browser.get(link)
    const overview = await browser.follow(await browser.submit(form, grace))
    expect(overview).toMatchObject({ status: 200, url: `${issuer()}/admin` })
    expect(overview.text).toContain('Demo client')

    const late = createAgent(issuer())
    expect((await late.get(link)).status).toBe(410)
    expect((await late.submit(form, { ...grace, username: 'mallory' })).status).not.toBe(303)
  })

  it('keeps the data and the keys over a restart, and then prints no link', async () => {
    const { access_token: token } = await run(server.said('try') ?? '')
    const keys = await keysOf(issuer())
    const before = server.lines
    const ended = await server.end()
    expect(ended).toMatchObject({ code: 0, signal: null })
    expect(ended.stdout).toBe(`${before.join('\n')}\n`)
    expectJsonLines(ended.stderr)
    expect(ended.stderr).not.toContain(token)

    server = await startLatchkey(settings)
    expect(server.lines).toEqual(before.filter(line => !line.startsWith('admin ')))
    expect(await keysOf(issuer())).toEqual(keys)
    await jwtVerify(token, createRemoteJWKSet(new URL(`${issuer()}/jwks`)), { issuer: issuer() })
    const browser = createAgent(issuer())
    const signedIn = await browser.submit(await browser.get('/sign-in'), grace)
    expect(signedIn).toMatchObject({ status: 303, location: `${issuer()}/account` })
  })

  it('leaves no Postgres behind when it is killed, and starts again', async () => {
    const home = currentHome(join(directory, 'postgres'))
    const pid = Number(readFileSync(join(home, 'data', 'postmaster.pid'), 'utf8').split('\n')[0])
    expect(isAlive(pid)).toBe(true)
    server.process.kill('SIGKILL')
    expect(await server.finished).toMatchObject({ signal: 'SIGKILL' })
    await until('Postgres has ended', () => !isAlive(pid))
    server = await startLatchkey(settings)
    expect((await run(server.said('try') ?? '')).scope).toBe('read:demo')
  })
})

describe('a start with settings', () => {
  const servers: Started[] = []
  let database: MigratedDatabase
  let directory: string
  let settings: Record<string, string>

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'latchkey-test-'))
    database = await migratedDatabase()
    settings = { DATABASE_URL: database.url, DATA_DIR: join(directory, 'data') }
  })
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.end()
    await database?.close()
    removeDirectory(directory)
  })

  async function start(more: Record<string, string>): Promise<Started> {
    const server = await startLatchkey({ ...settings, PORT: String(await freePort()), ...more })
    servers.push(server)
    return server
  }

  function writeFile(name: string, text: string): string {
    const path = join(directory, name)
    writeFileSync(path, text)
    return path
  }

  it('reports every mistake of the declarative file at once, with its path, and writes nothing', async () => {
    const file = writeFile(
      'mistakes.yaml',
      `organizations: [{ id: acme, name: Acme, nmae: x }]
resources:
  - { identifier: not a url, name: Orders, token_format: xml, access_token_lifetime: soon, scopes: {} }
clients:
  - { client_id: web, client_secret: short, grant_types: [password], organization: nobody }
accounts: [{ username: "a b", password: "1234567" }]
`,
    )
    const { code, stdout, stderr } = await latchkey(['start'], { ...settings, LATCHKEY_CONFIG: file })
      .finished
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    const report = stderr.slice(stderr.indexOf('latchkey: '))
    expect(report).toMatch(`latchkey: ${file} is not usable; nothing was changed:\n`)
    const paths = [...report.matchAll(/^ {2}- ([^\s:]+): ./gm)].map(([, path]) => path)
    expect(paths).toEqual(
      expect.arrayContaining([
        'organizations[0].nmae',
        'resources[0].identifier',
        'resources[0].token_format',
        'resources[0].access_token_lifetime',
        'clients[0].client_secret',
        'clients[0].grant_types[0]',
        'clients[0].organization',
        'accounts[0].username',
        'accounts[0].password',
      ]),
    )
    for (const table of ['organization', 'client', 'account'] as const)
      expect(await database.db.selectFrom(table).selectAll().execute()).toEqual([])
    const described = database.db.selectFrom('resource').selectAll().where('built_in', '=', false)
    expect(await described.execute()).toEqual([])
  })

  it('names a declarative file that is not there', async () => {
    const { code, stderr } = await latchkey(['start'], { ...settings, LATCHKEY_CONFIG: '/nowhere.yaml' })
      .finished
    expect(code).toBe(1)
    expect(stderr).toContain(
      '/nowhere.yaml is not usable; nothing was changed:\n  - the file: cannot be read',
    )
  })

  it('applies the example: its people sign in, its clients get tokens, and no demo is offered', async () => {
    const server = await start({ LATCHKEY_CONFIG: EXAMPLE })
    const issuer = server.said('issuer') ?? ''
    expect(server.lines.map(line => line.split(' ')[0])).toEqual(['issuer', 'admin', 'data', 'ready'])
    const browser = createAgent(issuer)
    const ada = { username: 'ada', password: PASSWORD }
    const account = await browser.follow(await browser.submit(await browser.get('/sign-in'), ada))
    expect(account.status).toBe(200)
    expect(account.text).toContain('Ada Lovelace')
    const line = `curl -s -u billing:another-long-secret-for-tests-0123456789 -d grant_type=client_credentials ${issuer}/token`
    const { access_token: token, scope } = await run(line)
    expect(scope).toBe('read:orders')
    const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`))
    await jwtVerify(token, keys, { issuer, audience: ORDERS, typ: 'at+jwt' })
  })

  it('refuses in production what is left to a development default, naming each, and makes nothing', async () => {
    const DATA_DIR = join(directory, 'production')
    const env = { NODE_ENV: 'production', ISSUER: 'http://id.example.com', DATA_DIR }
    const { code, stdout, stderr } = await latchkey(['start'], env).finished
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    for (const name of ['LATCHKEY_SECRETS', 'ISSUER', 'DATABASE_URL'])
      expect(stderr).toContain(`  - ${name} is `)
    expect(existsSync(DATA_DIR)).toBe(false)
  })

  it('starts in production when told everything: no demo, nothing in the data directory', async () => {
    const DATA_DIR = join(directory, 'production')
    const server = await start({
      NODE_ENV: 'production',
      ISSUER: 'https://id.example.com',
      LATCHKEY_SECRETS: Buffer.alloc(32, 9).toString('base64url'),
      SHUTDOWN_DELAY: '0s',
      DATA_DIR,
    })
    expect(server.lines).toEqual([
      'issuer https://id.example.com',
      expect.stringMatching(/^admin https:\/\/id\.example\.com\//),
      `data ${DATA_DIR}`,
      'ready',
    ])
    expect(existsSync(DATA_DIR)).toBe(false)
    expect(await server.end()).toMatchObject({ code: 0 })
  })
})
