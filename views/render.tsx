/**
 * Turns a page component into a complete HTML document. Pages are rendered on the server only: typed props
 * in, a string out, everything escaped. They know nothing of HTTP, the database or the settings.
 */
import type { VNode } from 'preact'
import { render } from 'preact-render-to-string'
import { type PageContext, RenderingContext, withMessages } from './page-context.ts'

export type { PageContext } from './page-context.ts'

export function renderPage(page: VNode, context: PageContext): string {
  const document = <RenderingContext.Provider value={withMessages(context)}>{page}</RenderingContext.Provider>
  return `<!doctype html>\n${render(document)}\n`
}
