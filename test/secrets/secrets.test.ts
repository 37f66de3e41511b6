import { randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { equal } from '../../src/secrets/compare.ts'
import { hashCandidates, hashSecret, verifySecret } from '../../src/secrets/hash.ts'
import { createKeyring } from '../../src/secrets/keyring.ts'
import { seal, unseal } from '../../src/secrets/seal.ts'
import { randomToken } from '../../src/secrets/token.ts'

const oldSecret = Buffer.alloc(32, 1)
const newSecret = Buffer.alloc(32, 2)
const before = createKeyring([oldSecret])
const rotated = createKeyring([newSecret, oldSecret])
const after = createKeyring([newSecret])

describe('keyring', () => {
  it('derives another key for every purpose and every master secret, never the master itself', () => {
    const keys = (['pepper', 'seal', 'cookie', 'csrf', 'dpop-nonce', 'refresh', 'demo-client'] as const)
      .flatMap(purpose => rotated.derive(purpose))
      .map(({ key }) => key.toString('hex'))
    expect(new Set([...keys, oldSecret.toString('hex'), newSecret.toString('hex')]).size).toBe(16)
    expect(keys.every(key => key.length === 64)).toBe(true)
  })

  it('derives the same in every process', () => {
    // A change of these would make everything that is stored unreadable.
    expect(before.derive('pepper').map(({ id, key }) => [id, key.toString('hex')])).toMatchInlineSnapshot(`
[
  [
    "Z_ILjnYJ",
    "f1ab222fe639ba01b8682db1f92c21be2e454804a228ec5ca7ecbd0407176583",
  ],
]
`)
  })

  it('lists the newest first, under ids that stay with the master secret', () => {
    const [newest, oldest] = rotated.derive('seal')
    expect(newest).toEqual(after.derive('seal')[0])
    expect(oldest).toEqual(before.derive('seal')[0])
    expect(newest?.id).toBe(rotated.derive('pepper')[0]?.id)
    expect(newest?.id).toMatch(/^[\w-]{8}$/)
    expect(rotated.derive('seal')).toBe(rotated.derive('seal'))
  })

  it('refuses no secrets and short ones', () => {
    expect(() => createKeyring([])).toThrow('at least one master secret')
    expect(() => createKeyring([Buffer.alloc(31)])).toThrow('32 bytes')
  })
})

describe('hash', () => {
  it('verifies what it hashed, and nothing else', () => {
    const stored = hashSecret(before, 'secret')
    expect(stored.hash).toHaveLength(32)
    expect(verifySecret(before, 'secret', stored)).toBe(true)
    expect(verifySecret(before, 'secreT', stored)).toBe(false)
    expect(verifySecret(before, '', stored)).toBe(false)
  })

  it('verifies old hashes while the old master secret is kept, and not after', () => {
    const stored = hashSecret(before, 'secret')
    expect(verifySecret(rotated, 'secret', stored)).toBe(true)
    expect(verifySecret(after, 'secret', stored)).toBe(false)
    expect(hashSecret(rotated, 'secret').pepperId).toBe(after.derive('pepper')[0]?.id)
  })

  it('offers candidates for look-ups, newest pepper first', () => {
    expect(hashCandidates(rotated, 'secret')).toEqual([
      hashSecret(after, 'secret').hash,
      hashSecret(before, 'secret').hash,
    ])
  })
})

describe('seal', () => {
  const value = { d: 'private', list: [1, null, 'ü'] }

  it('gives back what was sealed, and hides it', async () => {
    const sealed = await seal(before, value)
    expect(await unseal(before, sealed)).toEqual(value)
    expect(sealed).not.toContain(Buffer.from('private').toString('base64url'))
    expect(await seal(before, value)).not.toBe(sealed)
    const header: unknown = JSON.parse(Buffer.from(sealed.split('.')[0] ?? '', 'base64url').toString())
    expect(header).toEqual({ alg: 'dir', enc: 'A256GCM', kid: before.derive('seal')[0]?.id })
  })

  it('opens with an older master secret and says so when it is gone', async () => {
    const sealed = await seal(before, value)
    expect(await unseal(rotated, sealed)).toEqual(value)
    await expect(unseal(after, sealed)).rejects.toThrow('not in LATCHKEY_SECRETS')
  })

  it('refuses what was changed', async () => {
    const sealed = await seal(before, value)
    const parts = sealed.split('.')
    const tag = Buffer.from(parts[4] ?? '', 'base64url')
    tag.writeUInt8(tag.readUInt8(0) ^ 1, 0)
    await expect(
      unseal(before, [...parts.slice(0, 4), tag.toString('base64url')].join('.')),
    ).rejects.toThrow()
    await expect(unseal(before, 'not.a.jwe')).rejects.toThrow()
    await expect(unseal(before, '')).rejects.toThrow()
  })

  it('is not opened with the key of another purpose', async () => {
    const [pepper] = before.derive('pepper')
    const wrong = { derive: () => (pepper ? [pepper] : []) }
    await expect(unseal(wrong, await seal(before, value))).rejects.toThrow()
  })
})

describe('compare', () => {
  it('compares texts and bytes of any lengths', () => {
    expect(equal('a', 'a')).toBe(true)
    expect(equal('a', Buffer.from('a'))).toBe(true)
    expect(equal('', '')).toBe(true)
    expect(equal('a', 'ab')).toBe(false)
    expect(equal('', 'a')).toBe(false)
    expect(equal(randomBytes(32), randomBytes(32))).toBe(false)
  })
})

describe('token', () => {
  it('is 256 bits in base64url unless told otherwise', () => {
    expect(randomToken()).toMatch(/^[\w-]{43}$/)
    expect(randomToken(16)).toMatch(/^[\w-]{22}$/)
    expect(randomToken()).not.toBe(randomToken())
  })
})
