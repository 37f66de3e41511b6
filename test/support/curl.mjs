#!/usr/bin/env node
// Understands of curl what docs/api.md uses, for machines without one that is new enough (7.82).
const args = process.argv.slice(2)
const headers = new Headers()
let method
let body
let url
for (let at = 0; at < args.length; at++) {
  const next = () => args[++at] ?? ''
  if (args[at] === '-X') method = next()
  else if (args[at] === '--json') {
    body = next()
    headers.set('content-type', 'application/json')
  } else if (args[at] === '-H') {
    const [name = '', ...value] = next().split(':')
    headers.set(name, value.join(':').trim())
  } else if (args[at] !== '-s') url = args[at]
}
const response = await fetch(url, { method: method ?? (body === undefined ? 'GET' : 'POST'), headers, body })
process.stdout.write(await response.text())
