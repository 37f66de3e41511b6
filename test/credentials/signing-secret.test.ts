// Signed requests as credentials: the contract in both profiles, with both algorithms.
import { sql } from 'kysely'
import { appendChange } from '../../src/db/change-log.ts'
import { transaction } from '../../src/db/transaction.ts'
import type { TestApp } from '../support/app.ts'
import { allKnow, SYSTEM } from '../support/minted.ts'
import { ORDERS } from '../support/orders.ts'
import { createOwnClient } from '../support/own-client.ts'
import {
  clientCredentialsOf,
  makeSigningKey,
  makeSigningSecret,
  newKeyPair,
  nowInSeconds,
  type Signer,
  signingSecretsOf,
  signMessage,
  signSimply,
  type Wishes,
} from '../support/signing.ts'
import { type Headers, keepsTheContract, type Presented } from './kind.contract.ts'

interface Shown<S extends Signer> extends Presented {
  readonly signer: S
}

type Fields = Parameters<typeof makeSigningSecret>[1]
type Make<S extends Signer> = (app: TestApp, fields?: Fields) => Promise<S>
type Sign<S extends Signer> = (app: TestApp, signer: S, wishes?: Wishes) => Headers

const HOUR = 3_600_000

const creates =
  <S extends Signer>(make: Make<S>, signed: Sign<S>, secretsOf: (signer: S) => readonly string[]) =>
  async (app: TestApp): Promise<Shown<S>> => {
    const id = await createOwnClient(app)
    const owner = { type: 'client' as const, id }
    const signer = await make(app, { owner, scopes: { [ORDERS]: ['read:orders'] } })
    return {
      signer,
      headers: signed(app, signer),
      secrets: secretsOf(signer),
      subject: owner,
      prove: async () => signed(app, signer),
    }
  }

const rotate = (app: TestApp, id: string, x?: string) =>
  signingSecretsOf(app).rotate(SYSTEM, id, { immediately: true }, x)

async function expire(app: TestApp, id: string): Promise<void> {
  await transaction(app.db, async tx => {
    await sql`UPDATE client_credential SET expires_at = clock_timestamp() WHERE id = ${id}`.execute(tx)
    await appendChange(tx, 'credential', { id })
  })
  await allKnow(app)
}

const bad = <S extends Signer>(make: Make<S>, signed: Sign<S>, spoiled: (signer: S) => S) => {
  const made =
    (fields: Fields, after?: (app: TestApp, id: string) => Promise<unknown>) =>
    async (app: TestApp): Promise<Headers> => {
      const signer = await make(app, fields)
      await after?.(app, signer.id)
      return signed(app, signer)
    }
  type Spoil = (app: TestApp, good: Shown<S>) => Headers
  const wrongKey: Spoil = (app, { signer }) => signed(app, spoiled(signer))
  const unknown: Spoil = (app, { signer }) => signed(app, { ...signer, id: '0123456789abcdef' })
  const early: Spoil = (app, { signer }) => signed(app, signer, { created: nowInSeconds() - 302 })
  const late: Spoil = (app, { signer }) => signed(app, signer, { created: nowInSeconds() + 600 })
  const inMilliseconds: Spoil = (app, { signer }) => signed(app, signer, { created: Date.now() })
  return {
    'a wrong key': wrongKey,
    'an unknown id': unknown,
    'signed too long ago': early,
    'signed in the future': late,
    'a time in milliseconds': inMilliseconds,
    expired: made({}, expire),
    'not yet valid': made({ notBefore: new Date(Date.now() + HOUR) }),
    quarantined: made({}, (app, id) => clientCredentialsOf(app).clientCredentials.quarantine(SYSTEM, id)),
  }
}

const ends = <S extends Signer>() => ({
  revoked: (app: TestApp, { signer }: Shown<S>) =>
    clientCredentialsOf(app).clientCredentials.revoke(SYSTEM, signer.id),
  quarantined: (app: TestApp, { signer }: Shown<S>) =>
    clientCredentialsOf(app).clientCredentials.quarantine(SYSTEM, signer.id),
  'its key replaced at once': (app: TestApp, { signer }: Shown<S>) =>
    rotate(app, signer.id, 'secret' in signer ? undefined : newKeyPair().x),
  expired: (app: TestApp, { signer }: Shown<S>) => expire(app, signer.id),
  'its client disabled': async (app: TestApp, { subject }: Shown<S>) => {
    await transaction(app.db, async tx => {
      await sql`UPDATE client SET disabled_at = clock_timestamp() WHERE client_id = ${subject.id}`.execute(tx)
      await appendChange(tx, 'client', { client_id: subject.id })
    })
    await allKnow(app)
  },
  'its scopes taken from the client': async (app: TestApp, { subject }: Shown<S>) => {
    await transaction(app.db, async tx => {
      await tx.deleteFrom('client_scope').where('client_id', '=', subject.id).execute()
      await appendChange(tx, 'client', { client_id: subject.id })
    })
    await allKnow(app)
  },
})

const selfUrl = (app: TestApp) => `${app.issuer}/v1/credentials/self`

type WithSecret = { readonly id: string; readonly secret: string }
type WithKey = Awaited<ReturnType<typeof makeSigningKey>>

const message =
  <S extends Signer>(): Sign<S> =>
  (app, signer, wishes) =>
    signMessage(signer, { url: selfUrl(app) }, wishes)
const simply: Sign<WithSecret> = (app, signer, wishes) => signSimply(signer, { url: selfUrl(app) }, wishes)

const otherSecret = (signer: WithSecret) => ({ ...signer, secret: `${signer.secret.slice(0, -1)}_` })
const otherKey = (signer: WithKey) => ({ ...signer, privateKey: newKeyPair().privateKey })
const all = '@method @authority @path @query'.split(' ')

/** Fields that are wrong in a message whose signature is right. */
const badMessages = <S extends Signer>(algorithm: string) => {
  const withWishes =
    (wishes: (signer: S) => Wishes, more: Headers = {}) =>
    (app: TestApp, { signer }: Shown<S>) => ({
      ...signMessage(signer, { url: selfUrl(app) }, wishes(signer)),
      ...more,
    })
  const parameters = (text: string) => (signer: S) => ({
    parameters: `${text};nonce="n";keyid="${signer.id}"`,
  })
  const created = nowInSeconds
  return {
    ...Object.fromEntries(
      all.map(name => [
        `${name} is not covered`,
        withWishes(() => ({ components: all.filter(one => one !== name) })),
      ]),
    ),
    'nothing is covered': withWishes(() => ({ components: [] })),
    'an algorithm that is not its own': withWishes(parameters(`;created=${created()};alg="${algorithm}"`)),
    'no created': withWishes(parameters(`;expires=${created() + 60}`)),
    'it has expired': withWishes(parameters(`;created=${created() - 100};expires=${created() - 40}`)),
    'it lives too long': withWishes(parameters(`;created=${created()};expires=${created() + 301}`)),
    'no nonce': withWishes(signer => ({ parameters: `;created=${created()};keyid="${signer.id}"` })),
    'another signature beside it': (app: TestApp, { signer }: Shown<S>) => {
      const one = signMessage(signer, { url: selfUrl(app) })
      return { ...one, signature: `${one.signature}, b=:AAAA:` }
    },
    'two Signature fields': (app: TestApp, { signer }: Shown<S>) => {
      const one = signMessage(signer, { url: selfUrl(app) })
      return { ...one, signature: [one.signature ?? '', one.signature ?? ''] }
    },
    'no Signature-Input': (app: TestApp, { signer }: Shown<S>) => ({
      signature: signMessage(signer, { url: selfUrl(app) }).signature ?? '',
    }),
    'for another path': (app: TestApp, { signer }: Shown<S>) =>
      signMessage(signer, { url: `${app.issuer}/v1/other` }),
    'for another query': (app: TestApp, { signer }: Shown<S>) =>
      signMessage(signer, { url: `${selfUrl(app)}?a=b` }),
    'for another method': (app: TestApp, { signer }: Shown<S>) =>
      signMessage(signer, { url: selfUrl(app), method: 'DELETE' }),
    'for another host': (_app: TestApp, { signer }: Shown<S>) =>
      signMessage(signer, { url: 'https://api.example.com/v1/credentials/self' }),
    'for a body that is not there': (app: TestApp, { signer }: Shown<S>) =>
      signMessage(signer, { url: selfUrl(app), body: '{}' }),
  }
}

keepsTheContract<Shown<WithSecret>>({
  kind: 'signing-secret',
  form: 'RFC 9421 with HMAC',
  create: creates(makeSigningSecret, message<WithSecret>(), ({ secret }) => [secret]),
  bad: {
    ...bad(makeSigningSecret, message<WithSecret>(), otherSecret),
    ...badMessages<WithSecret>('ed25519'),
  },
  ends: ends<WithSecret>(),
})

keepsTheContract<Shown<WithKey>>({
  kind: 'signing-secret',
  form: 'RFC 9421 with Ed25519',
  create: creates(makeSigningKey, message<WithKey>(), () => []),
  bad: {
    ...bad(makeSigningKey, message<WithKey>(), otherKey),
    ...badMessages<WithKey>('hmac-sha256'),
    'the public key as a secret': (app, { signer }) =>
      signMessage({ id: signer.id, secret: signer.x }, { url: selfUrl(app) }),
  },
  ends: ends<WithKey>(),
})

keepsTheContract<Shown<WithSecret>>({
  kind: 'signing-secret',
  form: 'the simple profile',
  create: creates(makeSigningSecret, simply, ({ secret }) => [secret]),
  bad: {
    ...bad(makeSigningSecret, simply, otherSecret),
    'no signature': (app, { signer }) => ({ ...simply(app, signer), 'x-signature': '' }),
    'a short signature': (app, { signer }) => ({ ...simply(app, signer), 'x-signature': 'c0ffee' }),
    'no time': (app, { signer }) => ({ ...simply(app, signer), 'x-timestamp': '' }),
    'two times': (app, { signer }) => ({ ...simply(app, signer), 'x-timestamp': ['1', '2'] }),
    'a nonce that was not signed': (app, { signer }) => ({ ...simply(app, signer), 'x-nonce': 'other' }),
    'a long nonce': (app, { signer }) => simply(app, signer, { nonce: 'n'.repeat(65) }),
    'a nonce with a space': (app, { signer }) => simply(app, signer, { nonce: 'a b' }),
    'for another query': (app, { signer }) => signSimply(signer, { url: `${selfUrl(app)}?a=b` }),
    'for another method': (app, { signer }) => signSimply(signer, { url: selfUrl(app), method: 'DELETE' }),
    'for another host': (_app, { signer }) =>
      signSimply(signer, { url: 'https://api.example.com/v1/credentials/self' }),
    'for a body that is not there': (app, { signer }) =>
      signSimply(signer, { url: selfUrl(app), body: '{}' }),
    'another hash of the body': (app, { signer }) => ({
      ...simply(app, signer),
      'x-content-sha256': '0'.repeat(64),
    }),
    'the id of one with a public key': async app => {
      const { id, x } = await makeSigningKey(app)
      return signSimply({ id, secret: x }, { url: selfUrl(app) })
    },
  },
  ends: ends<WithSecret>(),
})
