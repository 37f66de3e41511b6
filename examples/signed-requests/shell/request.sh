#!/bin/sh
# Sends one signed request with curl and prints the answer. Needs openssl (3.0 or newer for Ed25519) and curl.
#
#   KEY_ID=… SECRET=… sh request.sh GET https://id.example.com/v1/credentials/self
#   KEY_ID=… PRIVATE_KEY=key.pem sh request.sh POST https://api.example.com/orders '{"order":1}'
#   PROFILE=simple KEY_ID=… SECRET=… sh request.sh GET https://api.example.com/orders
#
# openssl takes an HMAC key as an argument, which others on the same machine can see while it runs: where that matters,
# sign with PRIVATE_KEY.
set -eu

method=$1 url=$2 body=${3-}

# The address: host in lower case without the usual port, path, query with its question mark.
scheme=${url%%://*}
rest=${url#*://}
host=$(printf '%s' "${rest%%[/?]*}" | tr '[:upper:]' '[:lower:]')
case $scheme in
https) host=${host%:443} ;;
http) host=${host%:80} ;;
esac
target=${rest#"${rest%%[/?]*}"}
path=${target%%\?*}
query=${target#"$path"}
path=${path:-/}

created=$(date +%s)
nonce=$(openssl rand -hex 16)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

if [ "${PROFILE-}" = simple ]; then
  hash=$(printf '%s' "$body" | openssl dgst -sha256 -r | cut -d' ' -f1)
  signature=$(printf 'v1\n%s\n%s\n%s\n%s\n%s\n%s' \
    "$method" "$host" "$path$query" "$created" "$nonce" "$hash" |
    openssl dgst -sha256 -hmac "$SECRET" -r | cut -d' ' -f1)
  set -- -H "X-API-Key: $KEY_ID" -H "X-Timestamp: $created" -H "X-Nonce: $nonce" \
    -H "X-Content-SHA256: $hash" -H "X-Signature: $signature"
else
  components='"@method" "@authority" "@path" "@query"'
  lines=$(printf '"@method": %s\n"@authority": %s\n"@path": %s\n"@query": %s' "$method" "$host" "$path" "${query:-?}")
  set --
  if [ -n "$body" ]; then
    digest="sha-256=:$(printf '%s' "$body" | openssl dgst -sha256 -binary | openssl base64 -A):"
    components="$components \"content-digest\""
    lines=$(printf '%s\n"content-digest": %s' "$lines" "$digest")
    set -- -H "Content-Digest: $digest"
  fi
  input="($components);created=$created;expires=$((created + 60));nonce=\"$nonce\";keyid=\"$KEY_ID\""
  printf '%s\n"@signature-params": %s' "$lines" "$input" >"$dir/base"
  if [ -n "${PRIVATE_KEY-}" ]; then
    openssl pkeyutl -sign -rawin -inkey "$PRIVATE_KEY" -in "$dir/base" -out "$dir/signature"
  else
    openssl dgst -sha256 -hmac "$SECRET" -binary -out "$dir/signature" "$dir/base"
  fi
  set -- "$@" -H "Signature-Input: sig=$input" -H "Signature: sig=:$(openssl base64 -A -in "$dir/signature"):"
fi

if [ -n "$body" ]; then
  set -- "$@" -H 'Content-Type: application/json' --data-binary "$body"
fi
curl -sS -o "$dir/answer" -w '%{http_code}\n' -X "$method" "$@" "$url"
cat "$dir/answer"
echo
