/**
 * Routes of pages that need a person: without one they lead to the sign-in page and back. Every form is checked for its
 * CSRF token here; a route that asks for a recent sign-in gets one before its work begins.
 */
import type { Router, RouterContext } from '@koa/router'
import { paths } from '../../views/layout/paths.ts'
import type { Db } from '../db/connect.ts'
import type { State } from '../http/context.ts'
import type { Csrf } from '../http/csrf.ts'
import { type Form, readForm } from '../http/forms.ts'
import { notFound } from '../http/problem.ts'
import { isStorable } from './account-fields.ts'
import type { BrowserSessions } from './browser-session.ts'
import { findSignedIn, type SignedIn } from './signed-in.ts'

export type PageContext = RouterContext<State>

/**
 * Whether the person proved just now that it is still the one who signed in. When not, this answers with a page that asks
 * for the password and posts the same form again. From the sign-in room; app.ts passes it.
 */
export type RecentSignIn = (ctx: PageContext, person: SignedIn, form: Form) => Promise<boolean>

export interface PersonRoutesDeps {
  readonly db: Db
  readonly sessions: BrowserSessions
  readonly csrf: Pick<Csrf, 'check'>
  readonly recentSignIn: RecentSignIn
}

export interface Posted extends SignedIn {
  readonly form: Form
}

export interface PersonRoutes {
  show(route: string, handle: (ctx: PageContext, person: SignedIn) => Promise<void>): void
  /** @param above the page to come back to after a sign-in: what was typed is gone then */
  act(
    route: string,
    above: (ctx: PageContext) => string,
    handle: (ctx: PageContext, posted: Posted) => Promise<void>,
  ): void
  /**
   * For what ends something.
   * @param check throws when the person may not do it at all, before anything is asked
   */
  end(
    route: string,
    above: (ctx: PageContext) => string,
    check: (ctx: PageContext, person: SignedIn) => Promise<unknown>,
    handle: (ctx: PageContext, posted: Posted) => Promise<void>,
  ): void
}

export function personRoutes(router: Router<State>, deps: PersonRoutesDeps): PersonRoutes {
  const { db, sessions, csrf, recentSignIn } = deps

  const toSignIn = (ctx: PageContext, back: string) =>
    seeOther(ctx, `${paths.signIn}?${new URLSearchParams({ return_to: back })}`)

  const routes: PersonRoutes = {
    show(route, handle) {
      router.get(route, async ctx => {
        const person = await findSignedIn(ctx, { db, sessions })
        if (person) await handle(ctx, person)
        else toSignIn(ctx, ctx.url)
      })
    },

    act(route, above, handle) {
      router.post(route, async ctx => {
        const person = await findSignedIn(ctx, { db, sessions })
        if (!person) return toSignIn(ctx, above(ctx))
        const form = await readForm(ctx)
        csrf.check(ctx, form)
        await handle(ctx, { ...person, form })
      })
    },

    end(route, above, check, handle) {
      routes.act(route, above, async (ctx, posted) => {
        await check(ctx, posted)
        if (await recentSignIn(ctx, posted, posted.form)) await handle(ctx, posted)
      })
    },
  }
  return routes
}

/** @throws Problem 404 for a text that no row can have */
export function parameter(ctx: PageContext, name: string): string {
  const value = ctx.params[name] ?? ''
  if (!isStorable(value)) throw notFound()
  return value
}

/** undefined also when it was sent more than once. */
export function queryOf(ctx: PageContext, name: string): string | undefined {
  const value = ctx.query[name]
  return typeof value === 'string' && isStorable(value) ? value : undefined
}

/** 303: the next request is a GET, whatever this one was. */
export function seeOther(ctx: PageContext, path: string): void {
  ctx.status = 303
  ctx.redirect(path)
}
