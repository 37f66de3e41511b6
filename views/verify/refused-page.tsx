/**
 * A refusal at the address of somebody's application, relayed by their proxy: nothing of ours can be loaded there, so the
 * document is whole in itself, with its one style sheet inside.
 */
import { createHash } from 'node:crypto'
import { render } from 'preact-render-to-string'
import { dark, light, type Palette } from '../assets/palette.ts'
import type { Locale } from '../messages/catalogue.ts'
import { messagesFor } from '../messages/catalogue.ts'

export interface RefusedPageProps {
  locale: Locale
  status: number
  code: string
  /** what happened, in human words */
  message: string
  /** found in the log line too */
  requestId: string
  /** nobody is signed in at this address, and nobody can be */
  signIn?: { host: string; issuer: string } | undefined
}

const colours = ({ canvas, surface, text, muted, border }: Palette) =>
  `--canvas:${canvas};--surface:${surface};--text:${text};--muted:${muted};--border:${border}`

const STYLE = [
  `:root{color-scheme:light dark;${colours(light)}}`,
  `@media (prefers-color-scheme:dark){:root{${colours(dark)}}}`,
  'body{margin:0;padding:32px 16px;background:var(--canvas);color:var(--text);font:16px/1.5 system-ui,sans-serif}',
  'main{max-width:448px;margin:0 auto;padding:24px;background:var(--surface);border:1px solid var(--border);border-radius:12px}',
  'h1{margin:0 0 12px;font-size:24px;line-height:1.25}p{margin:0 0 12px}',
  'dl{margin:24px 0 0;color:var(--muted)}dt{display:inline}dd{display:inline;margin:0 0 0 8px;overflow-wrap:anywhere}',
].join('')

/** The Content-Security-Policy of the page: nothing is loaded, nothing runs, nobody frames it. */
export const REFUSED_PAGE_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "form-action 'none'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ')

/** In one line, so that it can also travel in a header. */
export function renderRefusedPage(props: RefusedPageProps): string {
  return `<!doctype html>${render(<RefusedPage {...props} />)}`
}

function RefusedPage({ locale, status, code, message, requestId, signIn }: RefusedPageProps) {
  const { direction, elsewhere: words } = messagesFor(locale)
  const title = signIn ? words.signInTitle : words.title
  return (
    <html lang={locale} dir={direction}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{title}</title>
        <style>{STYLE}</style>
      </head>
      <body>
        <main>
          <h1>{title}</h1>
          <p>{signIn ? words.signIn(signIn.host, signIn.issuer) : message}</p>
          <p>{words.askOwner}</p>
          <dl>
            <div>
              <dt>{words.reference}</dt>
              <dd>
                <code>{requestId}</code>
              </dd>
            </div>
            <div>
              <dt>{words.code}</dt>
              <dd>
                <code>{`${status} ${code}`}</code>
              </dd>
            </div>
          </dl>
        </main>
      </body>
    </html>
  )
}
