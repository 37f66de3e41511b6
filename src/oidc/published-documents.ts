/**
 * Discovery and the JWKS as ready answers: what the library says once for one set of keys is kept as bytes, with an ETag
 * and for how long it may be kept elsewhere. Nothing in them depends on who asks.
 */
import { createHash } from 'node:crypto'
import type { Middleware } from '../http/context.ts'
import { isUnchanged } from '../http/if-none-match.ts'
import { JWKS_MAX_AGE } from '../keys/rotate-signing-keys.ts'

interface PublishedDocument {
  readonly body: Buffer
  readonly type: string
  readonly etag: string
}

/** Those of one provider, by path. */
export type PublishedDocuments = Map<string, PublishedDocument>

const METADATA = ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server']
const PATHS = new Set(['/jwks', ...METADATA])
const READ = new Set(['GET', 'HEAD'])

/** Also of discovery: a node of another version may say something else during an upgrade. */
const CACHE_CONTROL = `public, max-age=${JWKS_MAX_AGE}`

/** Whether what this server says of itself is there (OpenID Connect Discovery; RFC 8414). */
export const isPublishedMetadata = (path: string): boolean => METADATA.includes(path)

/** Answers from `documents`; what is not there yet, `next` is asked for. Anything else is for `next`. */
export function publishFrom(documents: PublishedDocuments): Middleware {
  return async (ctx, next) => {
    if (!PATHS.has(ctx.path) || !READ.has(ctx.method)) return next()
    let document = documents.get(ctx.path)
    if (!document) {
      await next()
      if (ctx.status !== 200) return undefined
      const body = Buffer.from(JSON.stringify(ctx.body))
      const etag = createHash('sha256').update(body).digest('base64url')
      document = { body, type: ctx.response.get('Content-Type'), etag }
      documents.set(ctx.path, document)
      ctx.remove('Vary')
    }
    ctx.status = 200
    ctx.set({ 'Cache-Control': CACHE_CONTROL, 'Access-Control-Allow-Origin': '*' })
    ctx.etag = document.etag
    if (isUnchanged(ctx)) {
      ctx.status = 304
      ctx.body = null
    } else {
      ctx.type = document.type
      ctx.body = document.body
    }
    return undefined
  }
}
