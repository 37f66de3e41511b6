import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { hash } from 'argon2'
import { createAccount, findAccountByUsername, updateAccount } from '../../src/accounts/account.ts'
import { transaction } from '../../src/db/transaction.ts'
import { messagesOf, PASSWORD, type People, people } from './people.ts'

let site: People
beforeAll(async () => {
  site = await people()
  await site.browser().signUp()
})
afterAll(() => site.close())

const audited = async (type: string) => {
  await site.audit.flush()
  return site.db.selectFrom('audit_event').selectAll().where('type', '=', type).orderBy('id').execute()
}

describe('signing in', () => {
  it('starts a session and goes to the account, whatever case the username was typed in', async () => {
    const answer = await site.browser().signIn({ username: ' ＡDA ' })
    expect(answer.status).toBe(303)
    expect(answer.headers.location).toBe('/account')
  })

  it('goes back to a path of this server only', async () => {
    for (const [wanted, location] of [
      ['/account/sessions?a=1#b', '/account/sessions?a=1#b'],
      ['//evil.example', '/account'],
      ['https://evil.example/', '/account'],
    ]) {
      const answer = await site.browser().signIn({ return_to: wanted })
      expect(answer.headers.location).toBe(location)
    }
  })

  it('keeps where to go over a refusal and on the way to the sign-up page', async () => {
    const visitor = site.browser()
    const page = await visitor.get('/sign-in?return_to=/account/applications')
    expect(page.text).toContain('name="return_to" value="/account/applications"')
    expect(page.text).toContain('/sign-up?return_to=%2Faccount%2Fapplications')
    const refused = await visitor.signIn({ password: 'wrong password', return_to: '/account/applications' })
    expect(refused.text).toContain('name="return_to" value="/account/applications"')
    expect((await visitor.get('/sign-in?return_to=//evil.example')).text).not.toContain('evil')
  })

  it('skips the form for somebody who is signed in', async () => {
    const visitor = site.browser()
    await visitor.signIn()
    const answer = await visitor.get('/sign-in?return_to=/account/sessions')
    expect([answer.status, answer.headers.location]).toEqual([303, '/account/sessions'])
    expect((await visitor.get('/sign-up')).status).toBe(303)
  })

  it('asks for what is missing', async () => {
    const answer = await site.browser().signIn({ username: ' ', password: '' })
    expect(answer.status).toBe(422)
    expect(messagesOf(answer)).toMatchObject({
      username: 'Enter your username.',
      password: 'Enter your password.',
    })
  })

  it('never sends a password back', async () => {
    const answer = await site.browser().signIn({ password: 'not the right one' })
    expect(answer.status).toBe(401)
    expect(answer.text).toContain('value="ada"')
    expect(answer.text).not.toContain('not the right one')
  })

  it('needs the CSRF token and our own origin', async () => {
    const visitor = site.browser()
    expect((await visitor.signIn({ csrf: 'wrong' })).status).toBe(403)
    expect((await visitor.signIn({ csrf: undefined })).status).toBe(403)
    const fields = { username: 'ada', password: PASSWORD }
    expect((await visitor.post('/sign-in', fields, { origin: 'http://evil.example' })).status).toBe(403)
  })

  it('answers what no text can hold with 400', async () => {
    const visitor = site.browser()
    expect((await visitor.signIn({ username: 'a\0b' })).status).toBe(400)
    expect((await visitor.signIn({ password: 'a\0b' })).status).toBe(400)
    const csrf = (await visitor.csrfToken()) ?? ''
    const halfPair = `username=%ED%A0%80&password=x&csrf=${csrf}`
    const sent = { 'content-type': 'application/x-www-form-urlencoded' }
    expect((await visitor.send('POST', '/sign-in', halfPair, sent)).status).toBe(400)
    expect((await visitor.signIn({ username: 'ｘ'.repeat(6000) })).status).toBe(401)
  })
})

describe('equal answers', () => {
  it('says the same for unknown, wrong, disabled and without a password', async () => {
    await transaction(site.db, async tx => {
      await createAccount(tx, { username: 'nopassword', name: 'None' })
      const { id } = await createAccount(tx, {
        username: 'disabled',
        name: 'Gone',
        passwordHash: await hash(PASSWORD, { memoryCost: 19_456, timeCost: 2, parallelism: 1 }),
      })
      await updateAccount(tx, id, { disabled: true })
    })
    const answers = []
    for (const fields of [
      { username: 'nobody' },
      { username: 'not a name at all @' },
      { username: 'ada', password: 'wrong password' },
      { username: 'disabled' },
      { username: 'nopassword' },
    ]) {
      const visitor = site.browser()
      const { status, text, headers } = await visitor.signIn(fields)
      const same = text
        .replace(/name="csrf" value="[^"]+"/, '')
        .replace(`value="${fields.username}"`, 'value=""')
      answers.push({ status, text: same, length: Object.keys(headers).sort() })
    }
    for (const answer of answers) expect(answer).toEqual(answers[0])
    expect(answers[0]?.status).toBe(401)
  })

  it('tells the audit what the answer does not', async () => {
    const refused = (await audited('sign_in')).filter(row => row.outcome === 'refused')
    const reasons = new Set(refused.map(row => (row.detail as { reason?: string }).reason))
    expect(reasons).toEqual(new Set(['unknown_username', 'wrong_password', 'disabled']))
    expect(JSON.stringify(refused)).not.toContain('nobody')
    const ada = await findAccountByUsername(site.db, 'ada')
    const known = refused.find(row => (row.detail as { reason?: string }).reason === 'wrong_password')
    expect(known).toMatchObject({ subject_type: 'account', subject_id: ada?.id, address: '192.0.2.1' })
  })
})

describe('what a sign-in changes', () => {
  it('is recorded, with a success for the account', async () => {
    await site.browser('192.0.2.9').signIn()
    const ada = await findAccountByUsername(site.db, 'ada')
    const row = (await audited('sign_in')).filter(one => one.outcome === 'success').at(-1)
    expect(row).toMatchObject({ actor_type: 'account', actor_id: ada?.id, address: '192.0.2.9' })
    expect(row?.request_id).toBeTruthy()
  })

  it('replaces a hash with other parameters by one with ours', async () => {
    const weak = await hash(PASSWORD, { memoryCost: 8192, timeCost: 1, parallelism: 1 })
    await transaction(site.db, tx =>
      createAccount(tx, { username: 'imported', name: 'Imported', passwordHash: weak }),
    )
    expect((await site.browser().signIn({ username: 'imported' })).status).toBe(303)
    const stored = await site.db
      .selectFrom('account')
      .select('password_hash')
      .where('username', '=', 'imported')
      .executeTakeFirst()
    expect(stored?.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect((await site.browser().signIn({ username: 'imported' })).status).toBe(303)
  })

  it('fits a password however its accents were composed', async () => {
    const password = 'Žluťoučký kůň'
    const fields = { username: 'kun', password: password.normalize('NFD') }
    expect((await site.browser().signUp(fields)).status).toBe(303)
    const answer = await site.browser().signIn({ ...fields, password: password.normalize('NFC') })
    expect(answer.status).toBe(303)
  })
})

describe('signing out', () => {
  it('ends the session and goes home', async () => {
    const visitor = site.browser()
    await visitor.signIn()
    expect((await visitor.get('/')).text).toContain('Ada Lovelace')
    const answer = await visitor.signOut()
    expect([answer.status, answer.headers.location]).toEqual([303, '/'])
    expect((await visitor.get('/')).text).not.toContain('Ada Lovelace')
    expect((await visitor.signOut()).status).toBe(303)
  })

  it('needs the CSRF token', async () => {
    const visitor = site.browser()
    await visitor.signIn()
    expect((await visitor.post('/sign-out', { csrf: 'x' })).status).toBe(403)
    expect((await visitor.get('/')).text).toContain('Ada Lovelace')
  })
})

describe('when the database is down', () => {
  it('nobody gets to try', async () => {
    const other = await people()
    await other.browser().signUp()
    const visitor = other.browser()
    await visitor.csrfToken()
    await other.db.destroy()
    const answer = await visitor.signIn()
    expect(answer.status).toBe(503)
    expect(answer.headers['retry-after']).toBeTruthy()
    await other.close()
  })
})
