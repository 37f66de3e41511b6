"""Sends one signed request and prints the answer. Python 3.8 or newer, nothing to install.

  KEY_ID=… SECRET=… python3 request.py GET https://id.example.com/v1/credentials/self
  KEY_ID=… PRIVATE_KEY=key.pem python3 request.py POST https://api.example.com/orders '{"order":1}'
  PROFILE=simple KEY_ID=… SECRET=… python3 request.py GET https://api.example.com/orders

The standard library has no Ed25519: with PRIVATE_KEY the openssl command signs (3.0 or newer).
"""
import base64
import hashlib
import hmac
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

LIFETIME_SECONDS = 60  # Until then it is taken: five minutes at most.


def split(address):
    """Host (lower case, with its port unless that is the usual one), path, and query with its question mark."""
    url = urllib.parse.urlsplit(address)
    usual = {"http": 80, "https": 443}[url.scheme]
    host = url.hostname if ":" not in url.hostname else f"[{url.hostname}]"
    if url.port not in (None, usual):
        host = f"{host}:{url.port}"
    return host, url.path or "/", f"?{url.query}" if url.query else ""


def hmac_sha256(secret, text):
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256)


def ed25519(key_file, text):
    with tempfile.NamedTemporaryFile() as message:
        message.write(text.encode())
        message.flush()
        command = ["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", key_file, "-in", message.name]
        return subprocess.run(command, check=True, capture_output=True).stdout


def sign_message(key_id, signs, method, address, body):
    """RFC 9421. `signs` makes the signature of a text. Gives the headers to add."""
    host, path, query = split(address)
    headers = {}
    components = {"@method": method, "@authority": host, "@path": path, "@query": query or "?"}
    if body:
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        headers["Content-Digest"] = components["content-digest"] = f"sha-256=:{digest}:"
    created = int(time.time())
    names = " ".join(f'"{name}"' for name in components)
    signature_input = (
        f"({names});created={created};expires={created + LIFETIME_SECONDS}"
        f';nonce="{uuid.uuid4()}";keyid="{key_id}"'
    )
    lines = [f'"{name}": {value}' for name, value in components.items()]
    base = "\n".join(lines + [f'"@signature-params": {signature_input}'])
    headers["Signature-Input"] = f"sig={signature_input}"
    headers["Signature"] = f"sig=:{base64.b64encode(signs(base)).decode()}:"
    return headers


def sign_simply(key_id, secret, method, address, body):
    """The simple profile. Gives the headers to add."""
    host, path, query = split(address)
    timestamp, nonce = str(int(time.time())), str(uuid.uuid4())
    body_hash = hashlib.sha256(body).hexdigest()
    text = "\n".join(["v1", method, host, path + query, timestamp, nonce, body_hash])
    return {
        "X-API-Key": key_id,
        "X-Timestamp": timestamp,
        "X-Nonce": nonce,
        "X-Content-SHA256": body_hash,
        "X-Signature": hmac_sha256(secret, text).hexdigest(),
    }


def main(method, address, body=""):
    key_id, secret, key_file = (os.environ.get(name, "") for name in ("KEY_ID", "SECRET", "PRIVATE_KEY"))
    data = body.encode()
    if os.environ.get("PROFILE") == "simple":
        headers = sign_simply(key_id, secret, method, address, data)
    elif key_file:
        headers = sign_message(key_id, lambda text: ed25519(key_file, text), method, address, data)
    else:
        headers = sign_message(key_id, lambda text: hmac_sha256(secret, text).digest(), method, address, data)
    if data:
        headers["Content-Type"] = "application/json"
    request = urllib.request.Request(address, data=data or None, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            print(answer.status, answer.read().decode(), sep="\n")
    except urllib.error.HTTPError as answer:
        print(answer.code, answer.read().decode(), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
