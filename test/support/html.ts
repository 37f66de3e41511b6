// Just enough of HTML to drive our own forms.
export interface HtmlForm {
  readonly action: string
  readonly hidden: Record<string, string>
  /** Texts of its buttons. */
  readonly buttons: string[]
  /** Names and values of its checkboxes, ticked or not. */
  readonly checkboxes: { name: string; value: string; checked: boolean }[]
}

const unescapeText = (text: string) =>
  text.replace(
    /&(amp|lt|gt|quot|#39|#x27);/g,
    (_, name: string) => ({ amp: '&', lt: '<', gt: '>', quot: '"' })[name] ?? "'",
  )

const attributes = (tag: string): Record<string, string> =>
  Object.fromEntries(
    [...tag.matchAll(/([a-z-]+)(?:="([^"]*)")?/gi)]
      .slice(1)
      .map(([, name = '', value = '']) => [name.toLowerCase(), unescapeText(value)]),
  )

const textOf = (html: string) => unescapeText(html.replace(/<[^>]*>/g, '')).trim()

export function parse(html: string): { forms: HtmlForm[]; text: string } {
  const forms = [...html.matchAll(/<form\b[^>]*>[\s\S]*?<\/form>/gi)].map(([form]) => {
    const inputs = [...form.matchAll(/<input\b[^>]*>/gi)].map(([tag]) => attributes(tag))
    return {
      action: attributes(/<form\b[^>]*>/i.exec(form)?.[0] ?? '').action ?? '',
      hidden: Object.fromEntries(
        inputs.filter(input => input.type === 'hidden').map(input => [input.name ?? '', input.value ?? '']),
      ),
      checkboxes: inputs
        .filter(input => input.type === 'checkbox')
        .map(input => ({ name: input.name ?? '', value: input.value ?? '', checked: 'checked' in input })),
      buttons: [...form.matchAll(/<button\b[^>]*>([\s\S]*?)<\/button>/gi)].map(([, content = '']) =>
        textOf(content),
      ),
    }
  })
  return { forms, text: textOf(html.replace(/<(script|style)\b[\s\S]*?<\/\1>/gi, '')) }
}
