/** `/v1/signing-secrets`: what the clients of the caller's organizations sign their requests with. */
import { z } from 'zod'
import type { OrganizationRole } from '../accounts/tables.ts'
import { apiRoute } from '../credentials/api-caller.ts'
import type { ClientCredential } from '../credentials/client-credential.ts'
import {
  clientCredentialFieldsOf,
  clientCredentialJson,
  clientCredentialKeys,
  clientCredentialObjectKeys,
} from '../credentials/client-credential-json.ts'
import type { ClientCredentials } from '../credentials/client-credential-life-cycle.ts'
import type { Identity } from '../credentials/kind.ts'
import {
  endedByRotation,
  refuseTwoEnds,
  releaseBody,
  rotationKeys,
  rotationOf,
} from '../credentials/minted-json.ts'
import { givenPublicKey, newKeyOf } from '../credentials/public-key.ts'
import { SIGNATURE_ALGORITHMS } from '../credentials/signature-key.ts'
import { type StoredKey, signingMaterial } from '../credentials/signing-material.ts'
import {
  type MadeSigningSecret,
  SIGNING_SECRET,
  type SigningSecrets,
} from '../credentials/signing-secrets.ts'
import type { Db } from '../db/connect.ts'
import { listOf, pageKeys } from '../http/page.ts'
import { actorOf } from './change.ts'
import { checkClientOf, getClientCredential, listOwnClientCredentials } from './client-owned.ts'

const SECRETS = '/v1/signing-secrets'
const SECRET = `${SECRETS}/{id}`

const jwk = z.strictObject({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string() })

const secretObject = z
  .strictObject({
    ...clientCredentialObjectKeys,
    algorithm: z.enum(SIGNATURE_ALGORITHMS),
    last4: z.string().nullable().describe('Of the secret; null with Ed25519'),
    public_key: jwk.nullable().describe('Null with HMAC'),
    secret: z.string().optional().describe('In the answer that made it, and never again'),
  })
  .meta({ id: 'SigningSecret' })

const publicKey = z
  .union([z.string().max(2_000), z.looseObject({})])
  .optional()
  .describe('With Ed25519: the public key, as PEM or as a JWK')

const newSecret = z
  .strictObject({
    ...clientCredentialKeys,
    algorithm: z.enum(SIGNATURE_ALGORITHMS).default('hmac-sha256'),
    public_key: publicKey,
  })
  .meta({ id: 'NewSigningSecret' })

const rotationBody = z
  .strictObject({ ...rotationKeys, public_key: publicKey })
  .superRefine(refuseTwoEnds)
  .meta({ id: 'SigningSecretRotation' })

const query = z.strictObject({
  ...pageKeys,
  client_id: z.string().optional().describe('Only those of this client'),
})

/** As everybody may see it. */
const shown = ({ last4, x }: StoredKey) => ({
  last4: last4 ?? null,
  public_key: x === undefined ? null : ({ kty: 'OKP', crv: 'Ed25519', x } as const),
})

function secretJson(credential: ClientCredential, secret?: string) {
  const { algorithm, current } = signingMaterial(credential)
  return {
    ...clientCredentialJson(credential),
    algorithm,
    ...shown(current),
    ...(secret !== undefined && { secret }),
  }
}

/** After a rotation what was made is shown, whether it counts already or waits for its first use. */
function rotatedJson({ credential, secret }: MadeSigningSecret) {
  const { pending, current } = signingMaterial(credential)
  return { ...secretJson(credential, secret), ...shown(pending ?? current) }
}

export interface SigningSecretRoutesDeps {
  readonly db: Db
  readonly signingSecrets: Pick<SigningSecrets, 'create' | 'rotate'>
  readonly clientCredentials: Pick<ClientCredentials, 'revoke' | 'release'>
}

export function signingSecretRoutes({ db, signingSecrets, clientCredentials }: SigningSecretRoutesDeps) {
  const getSecret = (caller: Identity, id: string, needed: OrganizationRole) =>
    getClientCredential(db, caller, { kind: SIGNING_SECRET, id }, needed)
  return [
    apiRoute({
      method: 'get',
      path: SECRETS,
      summary: "The signing secrets of your organizations' clients, newest first, ended ones too",
      scope: 'keys:read',
      status: 200,
      query,
      response: listOf(secretObject),
      async answer({ caller, query }) {
        const { data, nextCursor } = await listOwnClientCredentials(db, caller, SIGNING_SECRET, query)
        return { data: data.map(one => secretJson(one)), next_cursor: nextCursor }
      },
    }),
    apiRoute({
      method: 'post',
      path: SECRETS,
      summary: 'Make a signing secret for a client, shown this once, or take its Ed25519 public key',
      scope: 'keys:write',
      status: 201,
      body: newSecret,
      response: secretObject,
      location: ({ id }) => `${SECRETS}/${id}`,
      async answer({ caller, ctx, body: { algorithm, public_key, ...body } }) {
        await checkClientOf(db, caller, body.client_id, 'developer')
        const key = newKeyOf(algorithm, public_key)
        const fields = clientCredentialFieldsOf(body)
        const { credential, secret } = await signingSecrets.create(actorOf({ caller, ctx }), fields, key)
        return secretJson(credential, secret)
      },
    }),
    apiRoute({
      method: 'get',
      path: SECRET,
      summary: 'One signing secret, without its secret',
      scope: 'keys:read',
      status: 200,
      response: secretObject,
      answer: async ({ caller, param }) => secretJson(await getSecret(caller, param('id'), 'viewer')),
    }),
    apiRoute({
      method: 'delete',
      path: SECRET,
      summary: 'Revoke a signing secret',
      scope: 'keys:write',
      status: 204,
      revokes: true,
      async answer({ caller, ctx, param }) {
        const { id } = await getSecret(caller, param('id'), 'developer')
        await clientCredentials.revoke(actorOf({ caller, ctx }), id)
      },
    }),
    apiRoute({
      method: 'post',
      path: `${SECRET}/release`,
      summary: 'Let a signing secret out of quarantine. For owners of the organization',
      scope: 'keys:write',
      status: 200,
      body: releaseBody,
      response: secretObject,
      async answer({ caller, ctx, param }) {
        const { id } = await getSecret(caller, param('id'), 'owner')
        return secretJson(await clientCredentials.release(actorOf({ caller, ctx }), id))
      },
    }),
    apiRoute({
      method: 'post',
      path: `${SECRET}/rotate`,
      summary:
        'Give a signing secret a new key, shown this once, or with Ed25519 take the new public key; its id stays',
      scope: 'keys:write',
      status: 200,
      body: rotationBody,
      response: secretObject,
      revokes: endedByRotation,
      async answer({ caller, ctx, body: { public_key, ...body }, param }) {
        const { id } = await getSecret(caller, param('id'), 'developer')
        const actor = actorOf({ caller, ctx })
        return rotatedJson(
          await signingSecrets.rotate(actor, id, rotationOf(body), givenPublicKey(public_key)),
        )
      },
    }),
  ]
}
