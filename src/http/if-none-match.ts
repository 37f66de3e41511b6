import type { Context } from './context.ts'

/**
 * Whether the caller has what `ETag` says (RFC 9110, section 13.1.2). Unlike `ctx.fresh` it is not put off by
 * `Cache-Control: no-cache`, which every `fetch` sends beside a condition of the caller's own: it asks caches on the way
 * not to answer, and here nothing is older than we know.
 */
export function isUnchanged(ctx: Context): boolean {
  const etag = ctx.response.get('ETag')
  return ctx
    .get('if-none-match')
    .split(',')
    .some(one => {
      const known = one.trim().replace(/^W\//, '')
      return known === '*' || (known !== '' && known === etag)
    })
}
