import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { findAccountByUsername } from '../../src/accounts/account.ts'
import { createInvitation } from '../../src/sign-in/invitation.ts'
import { keyring, messagesOf, PASSWORD, type People, people } from './people.ts'

let site: People
beforeAll(async () => {
  site = await people()
})
afterAll(() => site.close())

/** Of many at once. Where too many passwords wait, some are told to come again. */
function expectOne(answers: readonly { status: number }[], refused: number): void {
  const statuses = answers.map(({ status }) => status)
  expect(statuses.filter(status => status === 303)).toHaveLength(1)
  expect(statuses.filter(status => ![303, refused, 503].includes(status))).toEqual([])
}

describe('signing up', () => {
  it('creates the account, signs in and goes where the person wanted to', async () => {
    const visitor = site.browser()
    const answer = await visitor.signUp({ username: ' Ada ', return_to: '/account/sessions' })
    expect([answer.status, answer.headers.location]).toEqual([303, '/account/sessions'])
    expect(await findAccountByUsername(site.db, 'ADA')).toMatchObject({
      username: 'ada',
      name: 'Ada Lovelace',
      email: 'ada@example.com',
      emailVerified: false,
      admin: false,
      disabled: false,
    })
    expect((await visitor.get('/account')).text).toContain('Ada Lovelace')
    await site.audit.flush()
    const events = await site.db.selectFrom('audit_event').selectAll().where('type', '=', 'sign_up').execute()
    expect(events).toHaveLength(1)
    expect(JSON.stringify(events)).not.toContain(PASSWORD)
  })

  it('tells every mistake at its field and keeps what was typed, but the password', async () => {
    const answer = await site
      .browser()
      .signUp({ username: 'a b', name: '', email: 'nowhere', password: 'short-7' })
    expect(answer.status).toBe(422)
    expect(Object.keys(messagesOf(answer)).sort()).toEqual(['email', 'form', 'name', 'password', 'username'])
    expect(answer.text).toContain('value="a b"')
    expect(answer.text).toContain('value="nowhere"')
    expect(answer.text).not.toContain('short-7')
  })

  it('says that a username is taken, never that an e-mail address is', async () => {
    await site.browser().signUp({ username: 'grace', email: 'shared@example.com' })
    const taken = await site.browser().signUp({ username: 'GRACE', email: 'other@example.com' })
    expect(taken.status).toBe(422)
    expect(Object.keys(messagesOf(taken))).toEqual(['username'])
    expect((await site.browser().signUp({ username: 'joan', email: 'shared@example.com' })).status).toBe(303)
  })

  it('makes one account of one username, however many ask at once', async () => {
    const visitors = Array.from({ length: 12 }, () => site.browser())
    const answers = await Promise.all(visitors.map(visitor => visitor.signUp({ username: 'only-one' })))
    expectOne(answers, 422)
  })

  it('escapes what people call themselves', async () => {
    const visitor = site.browser()
    await visitor.signUp({ username: 'bobby', name: '<script>alert(1)</script>' })
    const { text } = await visitor.get('/account')
    expect(text).toContain('&lt;script>alert(1)')
    expect(text).not.toContain('<script>alert(1)')
  })

  it('needs the CSRF token', async () => {
    expect((await site.browser().signUp({ username: 'forged', csrf: 'x' })).status).toBe(403)
    expect(await findAccountByUsername(site.db, 'forged')).toBeUndefined()
  })
})

describe('with SIGN_UP=closed', () => {
  it('there is no form and no account', async () => {
    const closed = await people({ signUp: 'closed' })
    expect((await closed.browser().get('/sign-up')).status).toBe(403)
    expect((await closed.browser().signUp()).status).toBe(403)
    expect((await closed.browser().get('/')).text).not.toContain('/sign-up')
    expect((await closed.browser().get('/sign-in')).text).not.toContain('/sign-up')
    expect(await findAccountByUsername(closed.db, 'ada')).toBeUndefined()
    await closed.close()
  })
})

describe('with SIGN_UP=invite', () => {
  let invited: People
  let host: string
  beforeAll(async () => {
    invited = await people({ signUp: 'invite' })
    const row = await invited.db
      .insertInto('account')
      .values({ id: '01900000-0000-7000-8000-000000000000', username: 'host', name: 'Host' })
      .returning('id')
      .executeTakeFirstOrThrow()
    host = row.id
  })
  afterAll(() => invited.close())

  it('takes an invitation, which the form carries along', async () => {
    const invite = await createInvitation(invited.db, keyring, host)
    const visitor = invited.browser()
    expect((await visitor.get('/sign-up')).status).toBe(403)
    expect((await visitor.get('/sign-up?invite=wrong')).status).toBe(403)
    expect((await visitor.get(`/sign-up?invite=${invite}`)).text).toContain(`name="invite" value="${invite}"`)
    expect((await visitor.signUp()).status).toBe(403)
    expect((await visitor.signUp({ invite: 'wrong' })).status).toBe(403)
    expect((await visitor.signUp({ invite })).status).toBe(303)
    expect((await invited.browser().get(`/sign-up?invite=${invite}`)).status).toBe(403)
    const stored = await invited.db.selectFrom('invitation').selectAll().execute()
    expect(JSON.stringify(stored)).not.toContain(invite)
  })

  it('is used up once, also by many at once, and not by a mistake', async () => {
    const invite = await createInvitation(invited.db, keyring, host)
    expect((await invited.browser().signUp({ username: 'host', invite })).status).toBe(422)
    expect((await invited.browser().signUp({ username: 'x', password: 'short', invite })).status).toBe(422)
    const visitors = Array.from({ length: 12 }, () => invited.browser())
    const answers = await Promise.all(
      visitors.map((visitor, index) => visitor.signUp({ username: `guest-${index}`, invite })),
    )
    expectOne(answers, 403)
  })

  it('is over after its time', async () => {
    const invite = await createInvitation(invited.db, keyring, host)
    await invited.db
      .updateTable('invitation')
      .set({ expires_at: new Date(0) })
      .execute()
    expect((await invited.browser().signUp({ username: 'late', invite })).status).toBe(403)
  })
})
