import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { AssetName } from './assets/asset-name.ts'
import { type Locale, type Messages, messagesFor } from './messages/catalogue.ts'
import type { Tone } from './messages/notice.tsx'

/** What every page needs to know about the request and the server, whatever it shows. */
export interface PageContext {
  locale: Locale
  /** `#rrggbb`; the stylesheet has it from theme.css, the page only draws its icon with it */
  accentColor: string
  /** a path on this origin or a `data:image/` URL; anything else is not shown */
  logoUrl?: string | undefined
  asset: (name: AssetName) => string
  /** goes into every form as the hidden field `csrf` */
  csrf?: string | undefined
  /** `member`: of an organization, so that there are clients and resources to look at */
  account?: { name: string; username: string; admin: boolean; member?: boolean } | undefined
  /** what the last request did, shown once above the content */
  notice?: { tone: Tone; text: string } | undefined
  now: Date
  requestId: string
}

export interface RenderingContext extends PageContext {
  messages: Messages
}

export const RenderingContext = createContext<RenderingContext | undefined>(undefined)

export function withMessages(context: PageContext): RenderingContext {
  return { ...context, messages: messagesFor(context.locale) }
}

export function usePage(): RenderingContext {
  const context = useContext(RenderingContext)
  if (!context) throw new Error('A page component was rendered outside of renderPage')
  return context
}
