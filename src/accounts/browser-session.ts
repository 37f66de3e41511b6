/**
 * What this room and sign-in need of the one browser session and of what an account has allowed. Types only: both are
 * the provider's rows, so the oidc room implements them and app.ts passes them in.
 */
import type { Context, Source } from '../http/context.ts'

export interface BrowserSession {
  readonly uid: string
  readonly accountId: string
  readonly signedInAt: Date
  readonly acr?: string
  /** RFC 8176, e.g. `pwd`. */
  readonly amr: string[]
}

export interface SessionSummary {
  readonly uid: string
  readonly userAgent: string | null
  readonly address: string | null
  readonly createdAt: Date
  readonly lastSeenAt: Date
  readonly expiresAt: Date
  /** Names of the applications signed in through it. */
  readonly applications: string[]
}

export interface BrowserSessions {
  /** The one function that reads the session. Says nothing about whether the account is disabled: see signed-in.ts. */
  find(ctx: Context): Promise<BrowserSession | undefined>
  /** Starts or renews the session under a new cookie value, so that nobody can plant one beforehand. */
  signIn(ctx: Context, accountId: string, how: { amr: string[] }): Promise<void>
  /** Ends it and everything bound to it, and writes the audit row with that. */
  signOut(ctx: Context): Promise<void>
  list(accountId: string): Promise<SessionSummary[]>
  /** Only the account's own; any other uid changes nothing. */
  end(accountId: string, uid: string, source: Source): Promise<void>
  /** All of the account's but `uid`. */
  endOthers(accountId: string, uid: string, source: Source): Promise<void>
  /** As `signOut`, and all others of the account. */
  signOutEverywhere(ctx: Context): Promise<void>
}

export interface AllowedApplication {
  readonly clientId: string
  readonly name: string
  readonly host?: string
  readonly scopes: {
    resource: string
    resourceName: string
    scopes: { name: string; description: string }[]
  }[]
  readonly allowedAt: Date
  readonly lastUsedAt: Date | null
}

export interface Applications {
  list(accountId: string): Promise<AllowedApplication[]>
  /** Only what this account allowed; any other client id changes nothing. */
  withdraw(accountId: string, clientId: string, source: Source): Promise<void>
}
