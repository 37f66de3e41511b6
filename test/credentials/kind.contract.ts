// What every credential kind keeps to, asked through the real server. A kind hands in a fixture: how one is made, how it
// is presented, what spoils it and what ends it.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Answer, ask } from '../http/ground.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { BEHIND_PROXY } from '../support/certified.ts'
import { ordersFile } from '../support/orders.ts'
import { queriesDuring } from '../support/queries.ts'
import { spellingsOf, storedText } from '../support/stored-text.ts'
import { claimants, EXAMPLES, type Headers } from './claims.ts'

export type { Headers } from './claims.ts'

export interface Presented {
  readonly headers: Headers
  /** Everything in it that opens something. */
  readonly secrets: readonly string[]
  /** What its identity says of the subject. */
  readonly subject: { readonly type: string; readonly id: string }
  /** What else every request needs anew, for GET /v1/credentials/self. */
  prove?(): Promise<Headers>
}

export interface KindFixture<P extends Presented = Presented> {
  readonly kind: string
  /** When a kind has several forms. */
  readonly form?: string
  /** In which a refusal is told, when that is not Bearer. */
  readonly scheme?: 'DPoP'
  create(app: TestApp): Promise<P>
  /** Never good, by what is wrong. */
  readonly bad: Readonly<Record<string, (app: TestApp, good: P) => Promise<Headers> | Headers>>
  /** Was good until this resolves. The first one is also raced. */
  readonly ends: Readonly<Record<string, (app: TestApp, good: P) => Promise<unknown>>>
}

/** GET /v1/credentials/self */
export function askSelf(app: Pick<TestApp, 'issuer'>, headers: Headers, query = ''): Promise<Answer> {
  const server = { issuer: app.issuer, port: Number(new URL(app.issuer).port) }
  return ask(server, { path: `/v1/credentials/self${query}`, headers })
}

/** All that a caller can tell refusals apart by. */
export function outsideOf({ status, headers, json }: Answer) {
  const { request_id, ...body } = json()
  return {
    status,
    challenge: headers['www-authenticate'],
    type: headers['content-type'],
    body,
    hasId: request_id !== undefined,
  }
}

/** The end of a challenge in the scheme DPoP. */
export const ALGS = 'algs="ES256 ES384 ES512 EdDSA Ed25519 RS256 PS256"'

/** All the challenges of a server, to who has shown nothing. */
export const challengesOf = (issuer: string) =>
  `Bearer realm="${issuer}", DPoP realm="${issuer}", ${ALGS}, Basic realm="${issuer}", charset="UTF-8"`

export function badCredential(issuer: string, scheme?: 'DPoP') {
  const challenge = `${scheme ?? 'Bearer'} realm="${issuer}", error="invalid_token"`
  return {
    status: 401,
    challenge: scheme === 'DPoP' ? `${challenge}, ${ALGS}` : challenge,
    type: 'application/problem+json',
    body: {
      type: 'about:blank',
      title: 'Unauthorized',
      status: 401,
      detail: 'The credential is not valid.',
      code: 'invalid_token',
    },
    hasId: true,
  }
}

/** GET /v1/credentials/self with a good one. */
async function show(app: Pick<TestApp, 'issuer'>, good: Presented): Promise<Answer> {
  return askSelf(app, { ...good.headers, ...(await good.prove?.()) })
}

/** Describes the kind: call at the top level of its test. */
export function keepsTheContract<P extends Presented>(fixture: KindFixture<P>): void {
  describe(`${fixture.kind}${fixture.form ? `, ${fixture.form}` : ''}`, () => {
    let app: TestApp
    beforeAll(async () => {
      app = await startApp(BEHIND_PROXY, ordersFile)
    })
    afterAll(() => app.close())

    it('claims its own and nothing else, without asking anybody', () => {
      for (const { kind, headers } of EXAMPLES)
        expect({ headers, claimed: claimants(headers).includes(fixture.kind) }).toEqual({
          headers,
          claimed: kind === fixture.kind,
        })
    })

    it('is claimed by no other kind', async () => {
      const { headers } = await fixture.create(app)
      expect(claimants(headers)).toEqual([fixture.kind])
    })

    it('absent: 401 with a challenge, no error code and no query', async () => {
      let answer: Answer | undefined
      expect(await queriesDuring(async () => (answer = await askSelf(app, {})))).toEqual([])
      expect(answer?.status).toBe(401)
      expect(answer?.json().code).toBe('unauthenticated')
      expect(answer?.headers['www-authenticate']).toBe(challengesOf(app.issuer))
    })

    it('good: an identity of this kind, without the secret', async () => {
      const good = await fixture.create(app)
      const { secrets, subject } = good
      const answer = await show(app, good)
      expect(answer.status).toBe(200)
      expect(answer.headers['content-type']).toMatch(/^application\/json/)
      expect(answer.headers['cache-control']).toBe('no-store')
      expect(answer.json()).toMatchObject({
        kind: fixture.kind,
        credential_id: expect.stringMatching(/^[\w-]{8,}$/),
        subject,
        resource: expect.any(String),
        scopes: expect.any(Array),
      })
      for (const secret of secrets) expect(answer.text).not.toContain(secret)
    })

    it('says the same of itself each time', async () => {
      const good = await fixture.create(app)
      expect((await show(app, good)).text).toBe((await show(app, good)).text)
    })

    it.each(Object.entries(fixture.bad))('bad, %s: the one refusal', async (_name, spoil) => {
      const headers = await spoil(app, await fixture.create(app))
      const answer = await askSelf(app, headers)
      expect(outsideOf(answer)).toEqual(badCredential(app.issuer, fixture.scheme))
    })

    it('bad beside a good one: never a fall-through', async () => {
      const good = await fixture.create(app)
      const beside = { ...good.headers, authorization: 'Bearer nobody-knows-this' }
      const answer = await askSelf(app, beside)
      // In another header there are two.
      const isElsewhere = ['x-api-key', 'signature'].some(name => name in good.headers)
      expect(answer.status).toBe(isElsewhere ? 400 : 401)
    })

    it('two explicit credentials: 400', async () => {
      const { headers } = await fixture.create(app)
      const own = [headers.authorization ?? 'Bearer one'].flat()
      const answer = await askSelf(app, { ...headers, authorization: [...own, 'Bearer two'] })
      expect(answer.status).toBe(400)
      expect(answer.json().code).toBe('ambiguous_credentials')
    })

    it('never in the address', async () => {
      const { headers } = await fixture.create(app)
      for (const query of ['?access_token=x', '?a=b&access%5Ftoken=x', '?access_token']) {
        const answer = await askSelf(app, headers, query)
        expect([answer.status, answer.json().code]).toEqual([400, 'invalid_request'])
      }
    })

    it.each(Object.entries(fixture.ends))('%s: refused at once', async (_name, end) => {
      const good = await fixture.create(app)
      expect((await show(app, good)).status).toBe(200)
      await end(app, good)
      expect(outsideOf(await show(app, good))).toEqual(badCredential(app.issuer, fixture.scheme))
    })

    it('refused at once also when it is used meanwhile', async () => {
      const [end] = Object.values(fixture.ends)
      const good = await fixture.create(app)
      let hasEnded = false
      const afterwards: number[] = []
      const use = async () => {
        while (afterwards.length < 40) {
          const beganAfter = hasEnded
          const { status } = await show(app, good)
          expect([200, 401]).toContain(status)
          if (beganAfter) afterwards.push(status)
        }
      }
      const ending = async () => {
        await show(app, good)
        await end?.(app, good)
        hasEnded = true
      }
      await Promise.all([ending(), ...Array.from({ length: 8 }, use)])
      expect(new Set(afterwards)).toEqual(new Set([401]))
    })

    it('leaves its bytes in no table and no line of the log', async () => {
      const other = await startApp(BEHIND_PROXY, ordersFile)
      const good = await fixture.create(other)
      expect((await show(other, good)).status).toBe(200)
      for (const end of Object.values(fixture.ends).slice(0, 1)) await end(other, good)
      expect((await show(other, good)).status).toBe(401)
      await other.app.stop() // writes what waits in memory
      const texts = new Map([...(await storedText(other.db)), ['the log', other.logLines.join('')]])
      expect(texts.get('audit_event')).toContain('credential_refused')
      for (const [place, text] of texts)
        for (const secret of good.secrets)
          for (const spelling of spellingsOf(secret))
            expect({ place, found: text.includes(spelling) }).toEqual({ place, found: false })
      await other.close()
    })
  })
}
