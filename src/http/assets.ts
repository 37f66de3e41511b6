/**
 * `/assets/<name>`: the files of views/assets and the stylesheet in the operator's colour. All are read once, at the
 * start, and found by name only: no request ever becomes a path on the disk.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { type AssetName, assetNames } from '../../views/assets/asset-name.ts'
import { themeStylesheet } from '../../views/assets/theme.ts'
import type { Middleware } from './context.ts'
import { packageRoot } from './package-root.ts'
import { notFound, Problem } from './problem.ts'

export interface Assets {
  /** The asset's address with its hash: it may be cached for ever. */
  asset(name: AssetName): string
  /** Answers everything below `/assets/`. */
  readonly serve: Middleware
}

interface Asset {
  readonly body: Buffer
  readonly type: string
  readonly hash: string
}

const PREFIX = '/assets/'

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** @param accentColor `#rrggbb` */
export function createAssets({ accentColor }: { accentColor: string }): Assets {
  const folder = join(packageRoot(), 'views', 'assets')
  const found = new Map<string, Asset>()
  for (const name of assetNames) {
    const body =
      name === 'theme.css' ? Buffer.from(themeStylesheet(accentColor)) : readFileSync(join(folder, name))
    const hash = createHash('sha256').update(body).digest('base64url').slice(0, 16)
    found.set(name, { body, hash, type: TYPES[extname(name)] ?? 'application/octet-stream' })
  }

  return {
    asset: name => `${PREFIX}${name}?v=${found.get(name)?.hash ?? ''}`,
    serve: async (ctx, next) => {
      if (!ctx.path.startsWith(PREFIX)) {
        await next()
        return
      }
      const asset = found.get(ctx.path.slice(PREFIX.length))
      if (!asset) throw notFound()
      if (ctx.method !== 'GET' && ctx.method !== 'HEAD')
        throw new Problem(405, 'method_not_allowed', 'Assets can only be read.', undefined, {
          headers: { Allow: 'GET, HEAD' },
        })
      const isThisVersion = ctx.querystring === `v=${asset.hash}`
      ctx.status = 200
      ctx.set('Cache-Control', isThisVersion ? 'public, max-age=31536000, immutable' : 'public, no-cache')
      ctx.etag = asset.hash
      ctx.type = asset.type
      if (ctx.fresh) ctx.status = 304
      else ctx.body = asset.body
    },
  }
}
