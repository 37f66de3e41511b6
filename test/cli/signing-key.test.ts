// `latchkey signing-key` at a real server, as an operator's job runs it.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { PUBLISHED_BEFORE_USE } from '../../src/keys/rotate-signing-keys.ts'
import { made, sessionOf } from '../support/api-callers.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { latchkey } from '../support/latchkey.ts'
import { ordersFile, PASSWORD } from '../support/orders.ts'
import { keysGrowOlder } from '../support/signing-key.ts'

let app: TestApp
let settings: Record<string, string>
let weak: Record<string, string>
beforeAll(async () => {
  app = await startApp({}, ordersFile)
  await app.apply({ accounts: [{ username: 'root', name: 'Root', password: PASSWORD, admin: true }] })
  const root = await sessionOf(app, 'root')
  const token = async (...scopes: string[]) => {
    const fields = { name: 'Rotation', scopes: { [`${app.issuer}/v1`]: scopes } }
    const { secret } = await made(root, '/v1/personal-access-tokens', fields)
    return { LATCHKEY_URL: app.issuer, LATCHKEY_TOKEN: String(secret) }
  }
  settings = await token('signing-keys:read', 'signing-keys:write')
  weak = await token('tokens:read')
})
afterAll(() => app.close())

const run = (...args: string[]) => latchkey(['signing-key', ...args], settings).finished

interface Key {
  readonly kid: string
  readonly alg: string
  readonly state: string
}

async function keys(): Promise<Key[]> {
  const { code, stdout, stderr } = await run('list', '--json')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return (JSON.parse(stdout) as { data: Key[] }).data
}
const kidOf = async (alg: string, state: string) =>
  (await keys()).find(key => key.alg === alg && key.state === state)?.kid ?? ''

it('lists the keys', async () => {
  const { code, stdout } = await run('list')
  expect(code).toBe(0)
  expect(stdout.trimEnd().split('\n')).toHaveLength(6)
  expect(stdout).toMatch(/^ES256 {2}current {2}[\w-]{43} {2}signs since 20\S+Z, until 20\S+Z$/m)
  expect(stdout).toMatch(/^RS256 {2}next {5}[\w-]{43} {2}may sign from 20\S+Z on$/m)
})

it('rotates one, and ends one', async () => {
  const next = await kidOf('EdDSA', 'next')
  await keysGrowOlder(app.db, PUBLISHED_BEFORE_USE + 1)
  const rotated = await run('rotate', '--alg', 'EdDSA')
  expect(rotated).toMatchObject({ code: 0, stderr: '' })
  expect(rotated.stdout).toMatch(/^EdDSA {2}previous [\w-]{43} {2}is published until 20\S+Z$/m)
  expect(await kidOf('EdDSA', 'current')).toBe(next)
  expect(await kidOf('ES256', 'previous')).toBe('')

  const ended = await run('rotate', `--emergency=${next}`)
  expect(ended).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`${next} has ended; every node knows it.`),
  })
  expect((await keys()).map(({ kid }) => kid)).not.toContain(next)
})

describe('what is wrong is said', () => {
  it.each([
    [['signing-key'], '"latchkey signing-key" needs one of: list, rotate. See: latchkey --help'],
    [['signing-key', 'turn'], '"latchkey signing-key" needs one of: list, rotate. See: latchkey --help'],
    [
      ['signing-key', 'list', 'all'],
      '"latchkey signing-key list" takes no arguments: all. See: latchkey --help',
    ],
    [
      ['signing-key', 'list', '--alg', 'x'],
      '"latchkey signing-key list" has no option --alg. See: latchkey --help',
    ],
    [
      ['signing-key', 'rotate', '--format=x'],
      '"latchkey signing-key rotate" has no option --format. See: latchkey --help',
    ],
    [
      ['signing-key', 'rotate', '--alg=x', '--emergency=y'],
      'A key that ends has its algorithm: leave out --alg. See: latchkey --help',
    ],
  ])('%j', async (args, message) => {
    const { code, stderr } = await latchkey(args, settings).finished
    expect({ code, stderr }).toEqual({ code: 2, stderr: `latchkey: ${message}\n` })
  })

  it.each([
    ['no settings', () => ({}), 'Set LATCHKEY_URL to the address of the server'],
    ['no URL', () => ({ ...settings, LATCHKEY_URL: 'here' }), 'LATCHKEY_URL must be an http or https URL'],
    [
      'http elsewhere',
      () => ({ ...settings, LATCHKEY_URL: 'http://id.example' }),
      'LATCHKEY_URL must be https',
    ],
    [
      'nobody there',
      () => ({ ...settings, LATCHKEY_URL: 'http://127.0.0.1:1' }),
      'There is no answer from http://127.0.0.1:1. Is LATCHKEY_URL right, and the server running?',
    ],
    ['a wrong token', () => ({ ...settings, LATCHKEY_TOKEN: 'nobodys' }), '(401 invalid_token)'],
    ['a token that may not', () => weak, '(403 insufficient_scope)'],
  ])('%s', async (_what, env, message) => {
    const { code, stdout, stderr } = await latchkey(['signing-key', 'list'], env()).finished
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining(message),
    })
    expect(stderr).not.toContain(settings.LATCHKEY_TOKEN)
  })

  it('what the server says of a request', async () => {
    expect(await run('rotate', '--alg', 'HS256')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^latchkey: The server refused: .*alg .*\(400 validation_failed\)\n$/),
    })
    expect(await run('rotate', '--emergency', 'nobodys')).toMatchObject({
      code: 1,
      stderr: 'latchkey: The server refused: There is no signing key with this kid. (404 not_found)\n',
    })
  })
})
