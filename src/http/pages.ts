/** Sends a page of views/ as the answer. Rooms make the page, this adds what every page needs to know. */
import type { VNode } from 'preact'
import { type PageContext, renderPage } from '../../views/render.tsx'
import type { Config } from '../config.ts'
import type { Assets } from './assets.ts'
import type { Context } from './context.ts'
import type { Csrf } from './csrf.ts'

export interface PageOptions {
  /** The person who is signed in: the page gets its navigation. */
  readonly account?: PageContext['account']
  /** 200 unless given. */
  readonly status?: number
  readonly notice?: PageContext['notice']
  /** false: a page without forms, which needs no CSRF cookie. */
  readonly forms?: boolean
}

export interface Pages {
  /** Renders, and sets status, type and body. The headers of the response stay as headers.ts made them. */
  render<P>(ctx: Context, page: VNode<P>, options?: PageOptions): void
}

export function createPages({
  config,
  assets,
  csrf,
}: {
  config: Pick<Config, 'accentColor' | 'logoUrl'>
  assets: Pick<Assets, 'asset'>
  csrf: Pick<Csrf, 'token'>
}): Pages {
  return {
    render(ctx, page, { account, status = 200, notice, forms = true } = {}) {
      const html = renderPage(page as VNode, {
        locale: 'en',
        accentColor: config.accentColor,
        logoUrl: config.logoUrl,
        asset: assets.asset,
        csrf: forms ? csrf.token(ctx) : undefined,
        account,
        notice,
        now: new Date(),
        requestId: ctx.state.requestId,
      })
      ctx.status = status
      ctx.type = 'text/html; charset=utf-8'
      ctx.body = html
    },
  }
}
