// LEAKED_CREDENTIAL_POLICY, and what the owner sees: a letter, and a notice on the page.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { findMintedToken } from '../../src/credentials/minted-token.ts'
import type { TestApp } from '../support/app.ts'
import { parse } from '../support/html.ts'
import { makeKey, makePersonalToken, mintedTokensOf, SYSTEM } from '../support/minted.ts'
import { signedInAgent } from '../support/signed-in-agent.ts'
import { kinds, letters, report, settled, startReporting } from './found.ts'

let app: TestApp
beforeAll(async () => {
  app = await startReporting({
    LEAKED_CREDENTIAL_POLICY: 'report,api-key=quarantine,refresh-token=revoke',
  })
})
afterAll(() => app.close())

const reported = async (token: string, source?: string) => {
  const before = letters(app).length
  await report(app, { token, source })
  await settled(app)
  return letters(app).slice(before)
}

describe.each(Object.entries(kinds))('%s', (_name, { kind, make }) => {
  it('ends when its policy says so', async () => {
    const found = await make(app)
    await reported(found.token)
    expect(await found.isAlive()).toBe(!['api-key', 'refresh-token'].includes(kind))
  })
})

describe('a letter', () => {
  it('goes to the account', async () => {
    const { token, secret } = await makePersonalToken(app, { name: 'laptop” <all@example.com>, “Bcc: x' })
    const [letter = '', ...more] = await reported(secret, 'https://evil.example/sign-in')
    expect(more).toEqual([])
    expect(letter).toMatch(/^To: ada@example\.com$/m)
    expect(letter).toMatch(/^From: Latchkey <no-reply@localhost>$/m)
    expect(letter).toMatch(/^Auto-Submitted: auto-generated$/m)
    expect(letter).not.toMatch(/^Bcc:/im)
    expect(letter).toContain(`${app.issuer}/account/tokens/${token.id}`)
    expect(letter).toContain('It still works')
    expect(letter).not.toContain('evil.example')
    expect(letter).not.toContain(secret)
    expect(await reported(secret)).toEqual([])
  })

  it("goes to those who look after a client's key", async () => {
    const { token, secret } = await makeKey(app)
    const [letter = '', ...more] = await reported(secret)
    expect(more).toEqual([])
    expect(letter).toMatch(/^To: ada@example\.com$/m)
    expect(letter).toContain(`${app.issuer}/clients/billing/keys/${token.id}`)
    expect(letter).toContain('quarantine')
  })

  it('does not go to an address that nobody has confirmed', async () => {
    const { secret } = await makePersonalToken(
      app,
      { scopes: { [`${app.issuer}/v1`]: ['tokens:read'] } },
      'bob',
    )
    expect(await reported(secret)).toEqual([])
  })
})

describe('the page', () => {
  const noticeAt = async (path: string) => {
    const agent = await signedInAgent(app, 'ada')
    return parse((await agent.get(path)).text).text
  }

  it('says so, with the place as it was typed, until the secret has been replaced', async () => {
    const { token, secret } = await makePersonalToken(app)
    const page = `/account/tokens/${token.id}`
    expect(await noticeAt(page)).not.toContain('was found where it does not belong')
    await reported(secret, '<b>somewhere</b> & there')
    const text = await noticeAt(page)
    expect(text).toContain('This token was found where it does not belong')
    expect(text).toContain('<b>somewhere</b> & there')
    expect(text).toContain('Rotate it now')
    await mintedTokensOf(app).rotate(SYSTEM, token.id, { immediately: true })
    expect(await noticeAt(page)).not.toContain('was found where it does not belong')
  })

  it('says why it is in quarantine', async () => {
    const { token, secret } = await makeKey(app)
    await reported(secret)
    const text = await noticeAt(`/clients/billing/keys/${token.id}`)
    expect(text).toContain('This key was found where it does not belong')
    expect(text).not.toContain('Rotate it now')
  })

  it('a secret that was replaced and found later says nothing of the one that counts', async () => {
    const { token, secret: old } = await makePersonalToken(app)
    const { secret } = await mintedTokensOf(app).rotate(SYSTEM, token.id, { immediately: true })
    await reported(secret)
    expect(await reported(old)).toEqual([])
    expect((await findMintedToken(app.db, token.id))?.leak).toMatchObject({ how: 'reported' })
  })
})
