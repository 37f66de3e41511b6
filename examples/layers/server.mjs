// An API that takes a client certificate and a credential together. README.md says how to try it.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { createVerifier, nodeRequest, Refusal } from 'latchkey/verifier'

const {
  ISSUER = 'http://localhost:3000',
  RESOURCE = 'https://localhost:8443',
  CLIENT_ID = 'payments-api',
  CLIENT_SECRET = 'payments-api-secret-for-tests-0123456789',
  PORT = '8443',
  CERT = 'server.pem',
  KEY = 'server-key.pem',
} = process.env

const verifier = createVerifier({
  issuer: ISSUER,
  resource: RESOURCE, // its layers are Latchkey's to know: nothing here repeats them
  credentials: { clientId: CLIENT_ID, clientSecret: CLIENT_SECRET },
})

/** Asked for, not demanded, and by whomever it was signed: what a certificate is good for, Latchkey decides. */
const tls = { cert: readFileSync(CERT), key: readFileSync(KEY), requestCert: true, rejectUnauthorized: false }

createServer(tls, async (request, response) => {
  const certificate = request.socket.getPeerX509Certificate()?.toString()
  const address = request.socket.remoteAddress
  try {
    const who = await verifier.verify(nodeRequest(request), { scopes: ['pay'], address, certificate })
    answer(response, 200, who.answerHeaders, { paid_by: who.subject.id, with: who.kind })
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    answer(response, error.status, error.headers, error.body)
  }
}).listen(Number(PORT), '127.0.0.1', () => process.stdout.write(`listening https://localhost:${PORT}\n`))

/** A refusal is answered in Latchkey's own words; `missing_layer` in its body says what the request lacks. */
function answer(response, status, headers, body) {
  response.statusCode = status
  for (const [name, value] of [['Content-Type', 'application/json'], ...headers])
    if (name.toLowerCase() === 'www-authenticate') response.appendHeader(name, value)
    else response.setHeader(name, value)
  response.end(`${JSON.stringify(body)}\n`)
}
