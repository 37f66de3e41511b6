/** `/v1/personal-access-tokens`: one's own. Whoever acts for an account sees and makes that account's. */
import { z } from 'zod'
import type { Db } from '../db/connect.ts'
import { sourceOf } from '../http/context.ts'
import { listOf, pageQuery } from '../http/page.ts'
import { notFound, Problem } from '../http/problem.ts'
import { apiRoute } from './api-caller.ts'
import type { Identity } from './kind.ts'
import {
  endedByRotation,
  fieldsOf,
  mintedJson,
  mintedKeys,
  mintedObjectKeys,
  releaseBody,
  rotationBody,
  rotationOf,
} from './minted-json.ts'
import type { MintedTokens } from './minted-life-cycle.ts'
import { findMintedToken, listMintedTokens, type MintedToken, type Owner } from './minted-token.ts'

const KIND = 'personal-access-token'
const TOKENS = '/v1/personal-access-tokens'
const TOKEN = `${TOKENS}/{id}`

const tokenObject = z
  .strictObject({ ...mintedObjectKeys, account_id: z.string() })
  .meta({ id: 'PersonalAccessToken' })
const newToken = z.strictObject(mintedKeys).meta({ id: 'NewPersonalAccessToken' })

const tokenJson = (token: MintedToken, secret?: string) => ({
  ...mintedJson(token, secret),
  account_id: token.owner.id,
})

/** @throws Problem 403 for a client that acts for itself: it has API keys, not personal tokens */
function ownerOf({ subject }: Identity): Owner {
  if (subject.type === 'account') return { type: 'account', id: subject.id }
  throw new Problem(403, 'access_denied', 'Personal access tokens are for people. A client has API keys.')
}

export function personalAccessTokenRoutes({ db, minted }: { db: Db; minted: MintedTokens }) {
  const getOwn = async (caller: Identity, id: string): Promise<MintedToken> => {
    const owner = ownerOf(caller)
    const token = await findMintedToken(db, id)
    if (token?.kind !== KIND || token.owner.id !== owner.id) throw notFound()
    return token
  }
  return [
    apiRoute({
      method: 'get',
      path: TOKENS,
      summary: 'Your personal access tokens, newest first, ended ones too',
      scope: 'tokens:read',
      status: 200,
      query: pageQuery,
      response: listOf(tokenObject),
      async answer({ caller, query }) {
        const { data, nextCursor } = await listMintedTokens(db, { kind: KIND, owner: ownerOf(caller) }, query)
        return { data: data.map(token => tokenJson(token)), next_cursor: nextCursor }
      },
    }),
    apiRoute({
      method: 'post',
      path: TOKENS,
      summary: 'Make a personal access token that acts as you. Its secret is shown this once',
      scope: 'tokens:write',
      status: 201,
      body: newToken,
      response: tokenObject,
      location: ({ id }) => `${TOKENS}/${id}`,
      async answer({ caller, ctx, body }) {
        const actor = { identity: caller, source: sourceOf(ctx) }
        const fields = { kind: KIND, owner: ownerOf(caller), ...fieldsOf(body) } as const
        const { token, secret } = await minted.create(actor, fields)
        return tokenJson(token, secret)
      },
    }),
    apiRoute({
      method: 'get',
      path: TOKEN,
      summary: 'One of your personal access tokens',
      scope: 'tokens:read',
      status: 200,
      response: tokenObject,
      answer: async ({ caller, param }) => tokenJson(await getOwn(caller, param('id'))),
    }),
    apiRoute({
      method: 'delete',
      path: TOKEN,
      summary: 'Revoke one of your personal access tokens',
      scope: 'tokens:write',
      status: 204,
      revokes: true,
      async answer({ caller, ctx, param }) {
        const { id } = await getOwn(caller, param('id'))
        await minted.revoke({ identity: caller, source: sourceOf(ctx) }, id)
      },
    }),
    apiRoute({
      method: 'post',
      path: `${TOKEN}/release`,
      summary: 'Let one of your personal access tokens out of quarantine',
      scope: 'tokens:write',
      status: 200,
      body: releaseBody,
      response: tokenObject,
      async answer({ caller, ctx, param }) {
        const { id } = await getOwn(caller, param('id'))
        return tokenJson(await minted.release({ identity: caller, source: sourceOf(ctx) }, id))
      },
    }),
    apiRoute({
      method: 'post',
      path: `${TOKEN}/rotate`,
      summary: 'Give one of your personal access tokens a new secret, shown this once; its id stays',
      scope: 'tokens:write',
      status: 200,
      body: rotationBody,
      response: tokenObject,
      revokes: endedByRotation,
      async answer({ caller, ctx, body, param }) {
        const { id } = await getOwn(caller, param('id'))
        const actor = { identity: caller, source: sourceOf(ctx) }
        const { token, secret } = await minted.rotate(actor, id, rotationOf(body))
        return tokenJson(token, secret)
      },
    }),
  ]
}
