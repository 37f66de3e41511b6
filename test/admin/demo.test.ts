import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { demoCurl, prepareDemo } from '../../src/admin/demo.ts'
import { startApp, type TestApp } from '../support/app.ts'

/** What a shell makes of the line; the test needs no curl. */
async function shellWords(line: string): Promise<string[]> {
  const script = `curl() { printf '%s\\n' "$@"; }; ${line}`
  const { stdout } = await promisify(execFile)('sh', ['-c', script])
  return stdout.trimEnd().split('\n')
}

/** What curl does with -s -u -d. */
async function request(words: readonly string[]) {
  const after = (option: string) =>
    words.flatMap((word, index) => (words[index - 1] === option ? [word] : []))
  const response = await fetch(words.at(-1) ?? '', {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(after('-u').join()).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: after('-d').join('&'),
  })
  return (await response.json()) as { access_token: string; token_type: string; scope: string }
}

describe('the demo of the first run', () => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp()
  })
  afterAll(() => app.close())

  it('is the same at every start, and several nodes may make it at once', async () => {
    const { database, keyring } = app
    const demos = await Promise.all([1, 2, 3, 4].map(() => prepareDemo({ db: database.another(), keyring })))
    expect(new Set(demos.map(demo => JSON.stringify(demo))).size).toBe(1)
    const changes = () => app.db.selectFrom('change_log').selectAll().execute()
    const before = (await changes()).length
    await prepareDemo(app)
    expect(await changes()).toHaveLength(before)
  })

  it('prints a line that gets a token when pasted into a shell', async () => {
    const demo = await prepareDemo(app)
    const line = demoCurl(app.issuer, demo)
    expect(line).not.toContain('\n')
    const answer = await request(await shellWords(line))
    expect(answer).toMatchObject({ token_type: 'Bearer', scope: 'read:demo' })
    const keys = createRemoteJWKSet(new URL(`${app.issuer}/jwks`))
    const { payload } = await jwtVerify(answer.access_token, keys, {
      issuer: app.issuer,
      audience: demo.resource,
      typ: 'at+jwt',
    })
    expect(payload).toMatchObject({ client_id: demo.clientId, scope: 'read:demo' })
  })

  it('quotes what a shell would read as something else', () => {
    const demo = { clientId: 'a', clientSecret: "b'c", resource: 'https://x.example/?a=1&b=2' }
    expect(demoCurl('http://[::1]:3000', demo)).toBe(
      `curl -s -u 'a:b'\\''c' -d grant_type=client_credentials -d 'resource=https://x.example/?a=1&b=2' 'http://[::1]:3000/token'`,
    )
  })
})
