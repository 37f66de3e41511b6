/** `/v1/api-keys`: the API keys of the clients of the caller's organizations. */
import { z } from 'zod'
import type { OrganizationRole } from '../accounts/tables.ts'
import { apiRoute } from '../credentials/api-caller.ts'
import type { Identity } from '../credentials/kind.ts'
import {
  endedByRotation,
  fieldsOf,
  mintedJson,
  mintedKeys,
  mintedObjectKeys,
  releaseBody,
  rotationBody,
  rotationOf,
} from '../credentials/minted-json.ts'
import type { MintedTokens } from '../credentials/minted-life-cycle.ts'
import { findMintedToken, listMintedTokens, type MintedToken } from '../credentials/minted-token.ts'
import type { Db } from '../db/connect.ts'
import { listOf, pageKeys } from '../http/page.ts'
import { notFound } from '../http/problem.ts'
import { listApiKeysOf } from './api-key-list.ts'
import { actorOf } from './change.ts'
import { checkClientOf, checkOwner } from './client-owned.ts'
import { findReach, organizationsOf } from './ownership.ts'

const KIND = 'api-key'
const KEYS = '/v1/api-keys'
const KEY = `${KEYS}/{id}`

const keyObject = z.strictObject({ ...mintedObjectKeys, client_id: z.string() }).meta({ id: 'ApiKey' })
const newKey = z.strictObject({ ...mintedKeys, client_id: z.string() }).meta({ id: 'NewApiKey' })
const keyQuery = z.strictObject({
  ...pageKeys,
  client_id: z.string().optional().describe('Only the keys of this client'),
})

const keyJson = (token: MintedToken, secret?: string) => ({
  ...mintedJson(token, secret),
  client_id: token.owner.id,
})

export function apiKeyRoutes({ db, minted }: { db: Db; minted: MintedTokens }) {
  const getKey = async (caller: Identity, id: string, needed: OrganizationRole) => {
    const token = await findMintedToken(db, id)
    if (token?.kind !== KIND) throw notFound()
    await checkOwner(db, caller, token, needed)
    return token
  }
  return [
    apiRoute({
      method: 'get',
      path: KEYS,
      summary: "The API keys of your organizations' clients, newest first, ended ones too",
      scope: 'keys:read',
      status: 200,
      query: keyQuery,
      response: listOf(keyObject),
      async answer({ caller, query: { client_id: clientId, ...page } }) {
        if (clientId !== undefined) await checkClientOf(db, caller, clientId, 'viewer')
        const { data, nextCursor } =
          clientId === undefined
            ? await listApiKeysOf(db, organizationsOf(await findReach(db, caller)), page)
            : await listMintedTokens(db, { kind: KIND, owner: { type: 'client', id: clientId } }, page)
        return { data: data.map(token => keyJson(token)), next_cursor: nextCursor }
      },
    }),
    apiRoute({
      method: 'post',
      path: KEYS,
      summary: 'Make an API key for a client. Its secret is shown this once',
      scope: 'keys:write',
      status: 201,
      body: newKey,
      response: keyObject,
      location: ({ id }) => `${KEYS}/${id}`,
      async answer({ caller, ctx, body: { client_id: clientId, ...body } }) {
        await checkClientOf(db, caller, clientId, 'developer')
        const { token, secret } = await minted.create(actorOf({ caller, ctx }), {
          kind: KIND,
          owner: { type: 'client', id: clientId },
          ...fieldsOf(body),
        })
        return keyJson(token, secret)
      },
    }),
    apiRoute({
      method: 'get',
      path: KEY,
      summary: 'One API key',
      scope: 'keys:read',
      status: 200,
      response: keyObject,
      answer: async ({ caller, param }) => keyJson(await getKey(caller, param('id'), 'viewer')),
    }),
    apiRoute({
      method: 'delete',
      path: KEY,
      summary: 'Revoke an API key',
      scope: 'keys:write',
      status: 204,
      revokes: true,
      async answer({ caller, ctx, param }) {
        const { id } = await getKey(caller, param('id'), 'developer')
        await minted.revoke(actorOf({ caller, ctx }), id)
      },
    }),
    apiRoute({
      method: 'post',
      path: `${KEY}/release`,
      summary: 'Let an API key out of quarantine. For owners of the organization',
      scope: 'keys:write',
      status: 200,
      body: releaseBody,
      response: keyObject,
      async answer({ caller, ctx, param }) {
        const { id } = await getKey(caller, param('id'), 'owner')
        return keyJson(await minted.release(actorOf({ caller, ctx }), id))
      },
    }),
    apiRoute({
      method: 'post',
      path: `${KEY}/rotate`,
      summary: 'Give an API key a new secret, shown this once; its id stays',
      scope: 'keys:write',
      status: 200,
      body: rotationBody,
      response: keyObject,
      revokes: endedByRotation,
      async answer({ caller, ctx, body, param }) {
        const { id } = await getKey(caller, param('id'), 'developer')
        const { token, secret } = await minted.rotate(actorOf({ caller, ctx }), id, rotationOf(body))
        return keyJson(token, secret)
      },
    }),
  ]
}
