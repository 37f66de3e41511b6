import type { ComponentChildren } from 'preact'
import { dark, light } from '../assets/palette.ts'
import { usePage } from '../page-context.ts'
import { favicon } from './favicon.ts'
import { localImage } from './safe-url.ts'

export interface DocumentProps {
  title: string
  /** some input was refused: the title says so first, as it is what a screen reader reads first */
  hasErrors?: boolean | undefined
  layout: 'wide' | 'focused'
  /** which page this is, for whoever drives it from outside (docs/conformance.md): stable, whatever its words say */
  id?: string | undefined
  children: ComponentChildren
}

/** The document around every page: head, skip link, and the two modules that only ever add comfort. */
export function Document({ title, hasErrors, layout, id, children }: DocumentProps) {
  const { accentColor, asset, locale, logoUrl, messages } = usePage()
  return (
    <html lang={locale} dir={messages.direction}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="theme-color" media="(prefers-color-scheme: light)" content={light.canvas} />
        <meta name="theme-color" media="(prefers-color-scheme: dark)" content={dark.canvas} />
        <title>{hasErrors ? messages.documentTitleWithErrors(title) : messages.documentTitle(title)}</title>
        <link rel="icon" href={localImage(logoUrl) ?? favicon(accentColor)} />
        <link rel="stylesheet" href={asset('theme.css')} />
        <link rel="stylesheet" href={asset('latchkey.css')} />
        <script type="module" src={asset('times.js')} />
        <script type="module" src={asset('copy.js')} />
      </head>
      <body class={layout} id={id && `page-${id}`}>
        <a class="skip-link" href="#content">
          {messages.layout.skip}
        </a>
        {children}
      </body>
    </html>
  )
}
