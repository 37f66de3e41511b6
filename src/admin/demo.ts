/**
 * The demo of the first run: a resource, and a client that gets tokens for it, so that one printed line shows the server at
 * work. main.ts makes it only outside production and without a declarative file, and shuts it otherwise.
 */
import { setClientDisabled } from '../clients/client-state.ts'
import { describeClient } from '../clients/describe-client.ts'
import { upsertClient } from '../clients/upsert-client.ts'
import type { Db } from '../db/connect.ts'
import { transaction } from '../db/transaction.ts'
import { upsertResource } from '../resources/upsert-resource.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { USUAL_SIGNING_ALG } from '../secrets/signing-alg.ts'

export interface Demo {
  readonly clientId: string
  readonly clientSecret: string
  /** The resource's identifier. */
  readonly resource: string
}

const CLIENT_ID = 'latchkey-demo'
const RESOURCE = 'https://demo.latchkey.example'
const SCOPE = 'read:demo'

/** The secret follows from the master secrets, so that every start prints the same line. Safe to repeat. */
export async function prepareDemo({ db, keyring }: { db: Db; keyring: Keyring }): Promise<Demo> {
  const [derived] = keyring.derive('demo-client')
  if (!derived) throw new Error('The keyring is empty')
  const clientSecret = derived.key.toString('base64url')
  await transaction(db, async tx => {
    await upsertResource(tx, {
      identifier: RESOURCE,
      name: 'Demo API',
      organizationId: null,
      tokenFormat: 'jwt',
      tokenSigningAlg: USUAL_SIGNING_ALG,
      accessTokenLifetime: 900,
      env: null,
      layers: [],
      allowedAddresses: null,
      scopes: new Map([[SCOPE, { description: 'Read the demo', restricted: false }]]),
    })
    const client = describeClient({
      client_id: CLIENT_ID,
      client_name: 'Demo client',
      application_type: 'web',
      redirect_uris: [],
      post_logout_redirect_uris: [],
      grant_types: ['client_credentials'],
      token_endpoint_auth_method: 'client_secret_basic',
      resource_scopes: { [RESOURCE]: [SCOPE] },
      require_pkce: true,
      require_consent: true,
      id_token_signed_response_alg: USUAL_SIGNING_ALG,
      introspect: [RESOURCE],
    })
    await upsertClient(tx, keyring, { ...client, secret: clientSecret })
    await setClientDisabled(tx, CLIENT_ID, false)
  })
  return { clientId: CLIENT_ID, clientSecret, resource: RESOURCE }
}

/** Outside a first try the demo client is shut: a database may come from one. @returns whether it was open */
export async function closeDemo(db: Db): Promise<boolean> {
  return transaction(db, tx => setClientDisabled(tx, CLIENT_ID, true))
}

/** One line to paste into a shell: answers with a token. */
export function demoCurl(issuer: string, { clientId, clientSecret, resource }: Demo): string {
  const words = [
    '-u',
    `${clientId}:${clientSecret}`,
    '-d',
    'grant_type=client_credentials',
    '-d',
    `resource=${resource}`,
  ]
  return ['curl', '-s', ...words, `${issuer}/token`].map(shellWord).join(' ')
}

const shellWord = (word: string) =>
  /^[\w.:/@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
