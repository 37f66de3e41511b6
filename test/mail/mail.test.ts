// Mail that leaves, by SMTP to a server that is one, and what happens when it does not get away.
import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { loadConfig } from '../../src/config.ts'
import { createOutbox } from '../../src/db/outbox.ts'
import { createLog } from '../../src/log.ts'
import { createMail, type Letter, MAIL } from '../../src/mail/mail.ts'
import { createKeyring } from '../../src/secrets/keyring.ts'
import { type MigratedDatabase, migratedDatabase } from '../support/database.ts'
import { type MailServer, startMailServer } from '../support/mail-server.ts'

const keyring = createKeyring([Buffer.alloc(32, 7)])
const letter: Letter = {
  to: 'ada@example.com',
  subject: 'Grüße',
  text: 'One line.\n\nhttps://id.example.com/a/very/long/path/that/is/a/link?with=a&secret=0123456789abcdefghijklmnop\n.\nEnd',
}

let database: MigratedDatabase
let server: MailServer | undefined
beforeAll(async () => {
  database = await migratedDatabase()
})
afterEach(async () => {
  await server?.close()
  server = undefined
  await database.db.deleteFrom('outbox').execute()
})
afterAll(() => database?.close())

function mailing(env: Record<string, string>) {
  const config = loadConfig({ ISSUER: 'https://id.example.com', ...env })
  const mail = createMail({ config, keyring })
  const log = createLog('silent')
  const outbox = createOutbox({ db: database.db, log, handlers: { [MAIL]: mail.deliver }, retryMs: 1 })
  return { mail, outbox, config }
}

const items = () =>
  database.db.selectFrom('outbox').select(['outcome', 'attempts', 'last_error', 'payload']).execute()

describe('to an SMTP server', () => {
  it('it arrives once, with its words as they are, and the database never had them', async () => {
    server = await startMailServer()
    const { mail, outbox } = mailing({ SMTP_URL: server.url, MAIL_FROM: 'Example <accounts@example.com>' })
    await mail.queue(database.db, [letter])
    expect(JSON.stringify(await items())).not.toContain('ada@example.com')
    expect(await outbox.runOnce()).toBe(1)
    expect(await outbox.runOnce()).toBe(0)
    const [got, ...more] = server.received
    expect(more).toEqual([])
    expect(got).toMatchObject({
      from: 'accounts@example.com',
      to: ['ada@example.com'],
      headers: {
        from: 'Example <accounts@example.com>',
        to: 'ada@example.com',
        subject: '=?UTF-8?Q?Gr=C3=BC=C3=9Fe?=',
        'auto-submitted': 'auto-generated',
        'message-id': expect.stringMatching(/^<[0-9a-f-]{36}@id\.example\.com>$/),
      },
    })
    expect(got?.text.trimEnd()).toBe(letter.text)
    expect(await items()).toMatchObject([{ outcome: 'done' }])
  })

  it('that has no time now it is sent again, as the same letter', async () => {
    server = await startMailServer()
    const { mail, outbox } = mailing({ SMTP_URL: server.url })
    server.answers.push(451, 451)
    await mail.queue(database.db, [letter])
    for (let tries = 0; server.received.length === 0 && tries < 600; tries++) {
      await outbox.runOnce()
      await new Promise(resolve => setTimeout(resolve, 10))
    }
    expect(server.received).toHaveLength(1)
    expect(new Set(server.tried).size).toBe(1)
    expect(await items()).toMatchObject([{ outcome: 'done', attempts: 3 }])
  })

  it('that wants a password gets it', async () => {
    server = await startMailServer({ user: 'latchkey', password: 'p@ss word/1' })
    const { host } = new URL(server.url)
    const { mail, outbox } = mailing({
      SMTP_URL: `smtp://latchkey:${encodeURIComponent('p@ss word/1')}@${host}`,
    })
    await mail.queue(database.db, [letter])
    await outbox.runOnce()
    expect(server.received).toHaveLength(1)
  })

  it('that is not there it waits, and nothing of it is in the error', async () => {
    const { mail, outbox } = mailing({ SMTP_URL: 'smtp://127.0.0.1:1' })
    await mail.queue(database.db, [letter])
    await outbox.runOnce()
    const [item] = await items()
    expect(item).toMatchObject({
      outcome: null,
      attempts: 1,
      last_error: expect.stringContaining('ECONNREFUSED'),
    })
  })

  it('an address that is several is still one', async () => {
    server = await startMailServer()
    const { mail, outbox } = mailing({ SMTP_URL: server.url })
    await mail.queue(database.db, [{ ...letter, to: 'ada@example.com,eve@example.com' }])
    await outbox.runOnce()
    expect(server.received.flatMap(({ to }) => to)).not.toContain('eve@example.com')
  })
})

describe('without one', () => {
  it('it is a file that nobody else can read', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'latchkey-mail-'))
    const { mail, outbox } = mailing({ DATA_DIR: dataDir })
    await mail.queue(database.db, [letter])
    await outbox.runOnce()
    const folder = join(dataDir, 'outbox')
    const [name = '', ...more] = readdirSync(folder)
    expect([more, name]).toEqual([[], expect.stringMatching(/^[0-9a-f-]{36}\.eml$/)])
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(readFileSync(join(folder, name), 'utf8')).toMatch(/^To: ada@example\.com$/m)
  })

  it('in production nothing is written and nothing waits', async () => {
    const { mail } = mailing({
      NODE_ENV: 'production',
      DATABASE_URL: 'postgres://elsewhere/x',
      LATCHKEY_SECRETS: Buffer.alloc(32, 7).toString('base64url'),
    })
    await mail.queue(database.db, [letter])
    expect(await items()).toEqual([])
  })
})

it('a password is not sent to another machine in clear', async () => {
  // The name leads here, and is another machine's as far as anybody can see.
  server = await startMailServer({ user: 'latchkey', password: 'secret' })
  const { port } = new URL(server.url)
  const { mail, outbox } = mailing({ SMTP_URL: `smtp://latchkey:secret@0.0.0.0:${port}` })
  await mail.queue(database.db, [letter])
  await outbox.runOnce()
  expect(server.passwords).toEqual([])
  const lastError = expect.stringContaining('STARTTLS')
  expect(await items()).toMatchObject([{ outcome: null, attempts: 1, last_error: lastError }])
})
