// docs/signed-requests.md: its vectors verify, and the samples beside it, in three languages, pass the door of a real server.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { digestOf, readContentDigest } from '../../src/credentials/content-digest.ts'
import { readMessageSignature, signatureBase } from '../../src/credentials/message-signature.ts'
import { ed25519Key, hmacKey, isSignedBy } from '../../src/credentials/signature-key.ts'
import { readClaims } from '../../src/credentials/signature-profile.ts'
import { readSimpleSignature, simpleBase } from '../../src/credentials/simple-signature.ts'
import { describeRequest } from '../../src/http/request-view.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { ORDERS, ordersFile } from '../support/orders.ts'
import { runCommand } from '../support/run-command.ts'
import { makeSigningKey, makeSigningSecret } from '../support/signing.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const guide = readFileSync(join(root, 'docs/signed-requests.md'), 'utf8')
const blocks = [...guide.matchAll(/^```text\n(.*?)\n```$/gms)].map(([, text = '']) => text)
const [, secret = ''] = /secret is `([\w-]{43})`/.exec(guide) ?? []
const [, x = ''] = /"x":"([\w-]{43})"/.exec(guide) ?? []

/** A request as the guide prints it. */
function printed(text = '') {
  const [head = '', body = ''] = text.split('\n\n')
  const [line = '', ...fields] = head.split('\n')
  const [method = '', target = ''] = line.split(' ')
  const headers = fields.map(field => {
    const [, name = '', value = ''] = /^([\w-]+): (.*)$/.exec(field) ?? []
    return [name, value] as const
  })
  const [, host] = headers.find(([name]) => name === 'Host') ?? []
  return {
    view: describeRequest({ method, url: `https://${host}${target}`, headers }),
    body: Buffer.from(body),
  }
}

function messageOf(text: string | undefined) {
  const { view, body } = printed(text)
  const read = readMessageSignature(view)
  if ('mistake' in read) throw new Error(read.mistake)
  const base = signatureBase(view, read)
  if (typeof base !== 'string') throw new Error(base.mistake)
  return { view, body, read, base }
}

describe('the vectors', () => {
  const [withSecret, itsBase, withKey, simple, itsLines] = blocks

  it('with a secret', () => {
    const { view, body, read, base } = messageOf(withSecret)
    expect(base).toBe(itsBase)
    expect(isSignedBy(hmacKey(secret), base, read.signature)).toBe(true)
    expect(readContentDigest(view.header('content-digest') ?? '')?.get('sha-256')).toEqual(
      digestOf(body, 'sha-256'),
    )
    expect(readClaims(read)).toEqual({
      ...{ keyId: 'Vq3nB8sT0kLm2xYz', created: 1_700_000_000, expires: 1_700_000_060 },
      algorithm: 'hmac-sha256',
    })
  })

  it('with Ed25519', () => {
    const { read, base } = messageOf(withKey)
    expect(isSignedBy(ed25519Key(x), base, read.signature)).toBe(true)
    expect(readClaims(read)).toMatchObject({ keyId: 'Ab1cD2eF3gH4iJ5k', created: 1_700_000_000 })
  })

  it('of the simple profile', () => {
    const { view, body } = printed(simple)
    const read = readSimpleSignature(view)
    if ('mistake' in read) throw new Error(read.mistake)
    const lines = simpleBase(view, read, digestOf(body, 'sha-256').toString('hex'))
    expect(lines).toBe(itsLines)
    expect(isSignedBy(hmacKey(secret), itsLines ?? '', read.signature)).toBe(true)
  })

  it('are all there are', () => {
    expect(blocks).toHaveLength(5)
  })
})

describe('the samples', () => {
  let app: TestApp
  let keyId: string
  let keySecret: string
  let privateKeyId: string
  let keyFile: string
  let directory: string
  beforeAll(async () => {
    app = await startApp({}, ordersFile)
    const fields = { scopes: { [`${app.issuer}/v1`]: ['verify'] } }
    const made = await makeSigningSecret(app, fields)
    ;[keyId, keySecret] = [made.id, made.secret]
    const { id, privateKey } = await makeSigningKey(app, fields)
    privateKeyId = id
    directory = mkdtempSync(join(tmpdir(), 'latchkey-signed-'))
    keyFile = join(directory, 'key.pem')
    writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  })
  afterAll(async () => {
    rmSync(directory, { recursive: true })
    await app.close()
  })

  const programs = {
    Node: [process.execPath, 'node/request.mjs'],
    Python: ['python3', 'python/request.py'],
    shell: ['sh', 'shell/request.sh'],
  } as const
  const ways: Record<string, () => Record<string, string>> = {
    'RFC 9421 with a secret': () => ({ KEY_ID: keyId, SECRET: keySecret }),
    'RFC 9421 with Ed25519': () => ({ KEY_ID: privateKeyId, PRIVATE_KEY: keyFile }),
    'the simple profile': () => ({ KEY_ID: keyId, SECRET: keySecret, PROFILE: 'simple' }),
  }

  describe.each(Object.entries(programs))('in %s', (_language, [command, file]) => {
    const run = async (env: Record<string, string>, ...words: string[]) => {
      const { PATH = '' } = process.env
      const sample = join(root, 'examples/signed-requests', file)
      const printed = await runCommand(command, [sample, ...words], { cwd: directory, env: { PATH, ...env } })
      const [status = '', ...text] = printed.split('\n')
      return { status: Number(status), json: JSON.parse(text.join('\n')) as Record<string, unknown> }
    }

    it.each(Object.entries(ways))('%s', async (_way, env) => {
      const self = await run(env(), 'GET', `${app.issuer}/v1/credentials/self`)
      expect(self).toMatchObject({
        status: 200,
        json: { kind: 'signing-secret', credential_id: env().KEY_ID },
      })
      const listed = await run(env(), 'GET', `${app.issuer}/v1/usage?credential_id=a%20b&days=1`)
      expect(listed).toMatchObject({ status: 403, json: { code: 'insufficient_scope' } })
      const question = JSON.stringify({ credential: 'Zoë', resource: ORDERS })
      const asked = await run(env(), 'POST', `${app.issuer}/v1/verify`, question)
      expect(asked).toMatchObject({ status: 200, json: { allowed: false } })
    })

    it('a wrong key: 401', async () => {
      const wrong = await run({ KEY_ID: keyId, SECRET: 'wrong' }, 'GET', `${app.issuer}/v1/credentials/self`)
      expect(wrong).toMatchObject({ status: 401, json: { code: 'invalid_token' } })
    })
  })
})
