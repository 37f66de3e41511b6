// Client certificates as credentials: the contract, for one that is pinned and for any that an authority issues for a name.
import { sql } from 'kysely'
import { appendChange } from '../../src/db/change-log.ts'
import { transaction } from '../../src/db/transaction.ts'
import type { TestApp } from '../support/app.ts'
import { type Authority, createAuthority, createSelfSigned, type Holder } from '../support/certificates.ts'
import { certificateHeader, makeCertificate } from '../support/client-certificates.ts'
import { allKnow, SYSTEM } from '../support/minted.ts'
import { ORDERS } from '../support/orders.ts'
import { createOwnClient } from '../support/own-client.ts'
import { clientCredentialsOf } from '../support/signing.ts'
import { type Headers, keepsTheContract, type Presented } from './kind.contract.ts'

interface Certified extends Presented {
  readonly id: string
}

const DAY = 86_400_000
const authority: Authority = createAuthority()

const scopes = { [ORDERS]: ['read:orders'] }

async function certified(
  app: TestApp,
  { cert }: Holder,
  fields: Parameters<typeof makeCertificate>[1],
): Promise<Certified> {
  const owner = { type: 'client', id: await createOwnClient(app) } as const
  const { id } = await makeCertificate(app, fields, { owner, scopes })
  // A certificate is public; its key is never sent anywhere.
  return { id, headers: certificateHeader(cert), secrets: [], subject: owner }
}

const shown = ({ cert }: Holder): Headers => certificateHeader(cert)

type Wishes = Parameters<typeof makeCertificate>[2]

/** Another one, registered with these wishes, or changed by `after`. */
const registeredWith =
  (wishes: Wishes, after?: (app: TestApp, id: string) => Promise<unknown>) => async (app: TestApp) => {
    const holder = createSelfSigned()
    const { id } = await makeCertificate(app, { certificate: holder.cert }, wishes)
    await after?.(app, id)
    return shown(holder)
  }

const change = (column: string, time: string) => async (app: TestApp, id: string) => {
  await transaction(app.db, async tx => {
    await sql`
      UPDATE client_credential SET ${sql.ref(column)} = clock_timestamp() + ${time}::interval WHERE id = ${id}
    `.execute(tx)
    await appendChange(tx, 'credential', { id })
  })
  await allKnow(app)
}

const expire = change('expires_at', '0 s')

const ends = {
  revoked: (app: TestApp, { id }: Certified) => clientCredentialsOf(app).clientCredentials.revoke(SYSTEM, id),
  quarantined: (app: TestApp, { id }: Certified) =>
    clientCredentialsOf(app).clientCredentials.quarantine(SYSTEM, id),
  expired: (app: TestApp, { id }: Certified) => expire(app, id),
  'its client disabled': async (app: TestApp, { subject }: Certified) => {
    await transaction(app.db, async tx => {
      await sql`UPDATE client SET disabled_at = clock_timestamp() WHERE client_id = ${subject.id}`.execute(tx)
      await appendChange(tx, 'client', { client_id: subject.id })
    })
    await allKnow(app)
  },
  'its scopes taken from the client': async (app: TestApp, { subject }: Certified) => {
    await transaction(app.db, async tx => {
      await tx.deleteFrom('client_scope').where('client_id', '=', subject.id).execute()
      await appendChange(tx, 'client', { client_id: subject.id })
    })
    await allKnow(app)
  },
}

keepsTheContract<Certified>({
  kind: 'client-certificate',
  form: 'pinned',
  create: async app => {
    const holder = createSelfSigned()
    return certified(app, holder, { certificate: holder.cert })
  },
  bad: {
    'nobody knows': () => shown(createSelfSigned()),
    'of an authority that others are registered with': () => shown(authority.issue()),
    expired: registeredWith({}, expire),
    'not yet valid': registeredWith({ notBefore: new Date(Date.now() + DAY) }),
    quarantined: registeredWith({}, (app, id) =>
      clientCredentialsOf(app).clientCredentials.quarantine(SYSTEM, id),
    ),
    'registered, and not valid yet by its own dates': async app => {
      const holder = createSelfSigned({ notBefore: new Date(Date.now() + DAY) })
      await makeCertificate(app, { certificate: holder.cert })
      return shown(holder)
    },
  },
  ends,
})

const NAME = { dns: 'billing.example.com' }
let names = 0

keepsTheContract<Certified>({
  kind: 'client-certificate',
  form: 'by authority and name',
  create: app => {
    const name = { dns: `service-${++names}.example.com` }
    const holder = authority.issue({ names: [{ dns: 'another.example.com' }, name] })
    return certified(app, holder, { ca: authority.cert, san: name })
  },
  bad: Object.fromEntries(
    Object.entries({
      'of another authority with the same name': () => createAuthority().issue({ names: [NAME] }),
      'signed by itself': () => createSelfSigned({ names: [NAME] }),
      'with another name': () => authority.issue({ names: [{ dns: 'billing.example.org' }] }),
      'with the name as its subject alone': () => authority.issue({ subject: '/CN=billing.example.com' }),
      'with the name as another sort of name': () =>
        authority.issue({ names: [{ uri: 'billing.example.com' }, { email: 'billing.example.com' }] }),
      'with a name below it': () => authority.issue({ names: [{ dns: 'a.billing.example.com' }] }),
      'with a wildcard above it': () => authority.issue({ names: [{ dns: '*.example.com' }] }),
      'with a name that goes on after NUL': () =>
        authority.issue({ names: [{ dns: 'billing.example.com\0.evil.example' }] }),
      'with a name that has a comma in it': () =>
        authority.issue({ names: [{ dns: 'evil.example, DNS:billing.example.com' }] }),
      'with a URI that has a comma in it': () =>
        authority.issue({ names: [{ uri: 'https://evil.example/, DNS:billing.example.com' }] }),
      'that has expired': () =>
        authority.issue({
          names: [NAME],
          notBefore: new Date(Date.now() - 2 * DAY),
          notAfter: new Date(Date.now() - DAY),
        }),
      'that is not valid yet': () =>
        authority.issue({ names: [NAME], notBefore: new Date(Date.now() + DAY) }),
      'for servers': () => authority.issue({ names: [NAME], usage: 'serverAuth' }),
      'of an intermediate that was not sent': () => authority.intermediate().issue({ names: [NAME] }),
    } satisfies Record<string, () => Holder>).map(([what, issue]) => [
      what,
      async (app: TestApp) => {
        const known = { ca: authority.cert, san: NAME }
        await makeCertificate(app, known).catch(() => undefined) // it is there already
        return shown(issue())
      },
    ]),
  ),
  ends,
})

keepsTheContract<Certified>({
  kind: 'client-certificate',
  form: 'of an intermediate that is sent with it',
  create: async app => {
    const name = { uri: `spiffe://example.com/${++names}` }
    const holder = authority.intermediate().issue({ names: [name] })
    const made = await certified(app, holder, { ca: authority.cert, san: name })
    return { ...made, headers: certificateHeader(holder.cert, holder.chain.slice(holder.cert.length)) }
  },
  bad: {
    'a chain of another': (_app, { headers }) => {
      const other = createAuthority().intermediate()
      return {
        ...headers,
        'client-cert-chain': certificateHeader(other.cert, other.cert)['client-cert-chain'] ?? '',
      }
    },
    'no chain': (_app, { headers: { 'client-cert': alone = '' } }) => ({ 'client-cert': alone }),
  },
  ends: { revoked: ends.revoked },
})
