import { describe, expect, it } from '@jest/globals'
import { argon2i, hash } from 'argon2'
import { createHashQueue } from '../../src/sign-in/hash-queue.ts'
import { hashPassword, isOutdated, passwordHashMistake, verifyPassword } from '../../src/sign-in/password.ts'
import { passwordMistake } from '../../src/sign-in/password-rules.ts'

describe('a password hash', () => {
  it('is argon2id with 19 MiB and two passes, different every time', async () => {
    const [one, two] = await Promise.all([hashPassword('a password'), hashPassword('a password')])
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect(one).not.toBe(two)
    expect(passwordHashMistake(one)).toBeUndefined()
    expect(isOutdated(one)).toBe(false)
  })

  it('fits its password only, in any composition', async () => {
    const stored = await hashPassword('cafe\u0301 au lait')
    expect(await verifyPassword(stored, 'caf\u00e9 au lait')).toBe(true)
    expect(await verifyPassword(stored, 'cafe au lait')).toBe(false)
    expect(await verifyPassword(stored, 'Caf\u00e9 au lait')).toBe(false)
  })

  it('fits nothing when there is none, or one that we do not accept', async () => {
    const foreign = await hash('a password', { type: argon2i })
    for (const stored of [undefined, '', 'a password', foreign, '$argon2id$v=19$m=19456,t=2,p=1$$'])
      expect(await verifyPassword(stored, 'a password')).toBe(false)
  })

  it('from elsewhere is accepted when it is argon2id and costs no more than it may', async () => {
    const salt = 'c29tZXNhbHRzb21lc2FsdA'
    const digest = 'A'.repeat(43)
    const phc = (parameters: string, kind = 'argon2id', version = 'v=19$') =>
      `$${kind}$${version}${parameters}$${salt}$${digest}`
    for (const good of ['m=65536,t=3,p=4', 'm=8,t=1,p=1', 'm=47104,t=1,p=1', 'm=12288,t=3,p=1'])
      expect(passwordHashMistake(phc(good))).toBeUndefined()
    const bad = [
      phc('m=4194304,t=1,p=1'),
      phc('m=65536,t=99,p=1'),
      phc('m=131072,t=4,p=1'),
      phc('m=65536,t=3,p=9'),
      phc('m=8,t=1,p=4'),
      phc('m=0,t=1,p=1'),
      phc('t=3,m=65536,p=4'),
      phc('m=65536,t=3,p=4,data=AAAA'),
      phc('m=65536,t=3,p=4', 'argon2i'),
      phc('m=65536,t=3,p=4', 'argon2id', ''),
      `${phc('m=65536,t=3,p=4')}\n`,
      '$2b$12$abcdefghijklmnopqrstuv',
    ]
    for (const phcString of bad) expect(passwordHashMistake(phcString)).toMatch(/^(must|has|costs)/)
  })
})

describe('the queue of hashes', () => {
  /** Work that ends when told to. */
  function controlled(queue: ReturnType<typeof createHashQueue>) {
    let running = 0
    let most = 0
    const ends: (() => void)[] = []
    const results: Promise<unknown>[] = []
    const settle = () => new Promise<void>(resolve => setImmediate(resolve))
    return {
      most: () => most,
      settle,
      start() {
        const result = queue.run(async () => {
          most = Math.max(most, ++running)
          await new Promise<void>(resolve => ends.push(resolve))
          running--
        })
        result.catch(() => undefined)
        results.push(result)
        return result
      },
      async finishAll() {
        for (await settle(); ends.length > 0; await settle()) ends.shift()?.()
        return Promise.allSettled(results)
      },
    }
  }

  it('runs as many at once as it may, the others in turn', async () => {
    const work = controlled(createHashQueue({ atOnce: 2, longestWaitMs: 2000, firstGuessMs: 50 }))
    for (let i = 0; i < 20; i++) work.start()
    const results = await work.finishAll()
    expect(work.most()).toBe(2)
    expect(results.every(({ status }) => status === 'fulfilled')).toBe(true)
  })

  it('refuses what would wait for more than two seconds, with 503 and Retry-After', async () => {
    const work = controlled(
      createHashQueue({ atOnce: 2, longestWaitMs: 2000, firstGuessMs: 100, now: () => 0 }),
    )
    for (let i = 0; i < 2 + 40; i++) work.start()
    await expect(work.start()).rejects.toMatchObject({
      status: 503,
      code: 'temporarily_unavailable',
      headers: { 'Retry-After': '2' },
    })
    const results = await work.finishAll()
    expect(results.filter(({ status }) => status === 'fulfilled').length).toBe(42)
    const again = work.start()
    await work.finishAll()
    await expect(again).resolves.toBeUndefined()
  })

  it('learns how long the work takes', async () => {
    let time = 0
    const queue = createHashQueue({ atOnce: 1, longestWaitMs: 2000, firstGuessMs: 10, now: () => time })
    for (let i = 0; i < 100; i++)
      await queue.run(async () => {
        time += 1000
      })
    const work = controlled(queue)
    const [, second, third, fourth] = [work.start(), work.start(), work.start(), work.start()]
    await expect(fourth).rejects.toMatchObject({ status: 503 })
    await work.finishAll()
    await expect(Promise.all([second, third])).resolves.toBeTruthy()
  })

  it('gives its place back when the work fails', async () => {
    const queue = createHashQueue({ atOnce: 1, longestWaitMs: 2000, firstGuessMs: 50 })
    for (let i = 0; i < 3; i++)
      await expect(queue.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
    await expect(queue.run(async () => 'yes')).resolves.toBe('yes')
  })
})

describe('a new password', () => {
  it('has 8 to 128 characters, counted as people count them', () => {
    expect(passwordMistake('')).toBe('Choose a password.')
    expect(passwordMistake('k7Qp-2x')).toBe('Use at least 8 characters.')
    expect(passwordMistake('k7Qp-2xz')).toBeUndefined()
    expect(passwordMistake('🔑🗝️🚪🪟')).toBe('Use at least 8 characters.')
    expect(passwordMistake('🔑🗝🚪🪟🏠🌳🌻🐈')).toBeUndefined()
    // Seven letters with an accent each, once composed.
    expect(passwordMistake('e\u0301a\u0301i\u0301o\u0301u\u0301y\u0301e\u0301')).toBe(
      'Use at least 8 characters.',
    )
    expect(passwordMistake(`${'long enough '.repeat(10)}12345678`)).toBeUndefined()
    expect(passwordMistake(`${'long enough '.repeat(10)}123456789`)).toBe('Use at most 128 characters.')
  })

  it('is not one of the common ones, however it is written', () => {
    for (const common of [
      '12345678',
      'password',
      'PASSWORD',
      'iloveyou',
      'qwertyuiop',
      'ｐａｓｓｗｏｒｄ',
      'zzzzzzzzzzzz',
    ])
      expect(passwordMistake(common)).toMatch(/among the first/)
    expect(passwordMistake('correct horse battery staple')).toBeUndefined()
  })

  it('is not the username or the e-mail address', () => {
    const owner = { username: 'ada.lovelace', email: 'augusta@example.com' }
    for (const own of ['Ada.Lovelace', 'augusta@example.com', 'AUGUSTA@example.com'])
      expect(passwordMistake(own, owner)).toMatch(/not your username/)
    expect(passwordMistake('ada.lovelace 1815', owner)).toBeUndefined()
  })

  it('is text', () => {
    expect(passwordMistake('half \ud800 a pair')).toMatch(/typed/)
    expect(passwordMistake('nothing \0 at all')).toMatch(/typed/)
  })
})
