package live

import (
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/problem"
)

// handshake checks the request before the library does, whose refusals are
// plain text that quotes the request.
func (h *Hub) handshake(r *http.Request, c *call.Call) *problem.Error {
	if r.ProtoMajor != 1 || r.ProtoMinor < 1 || !hasToken(r.Header, "Connection", "upgrade") || !hasToken(r.Header, "Upgrade", "websocket") {
		return upgradeRequired("Open this path as a WebSocket")
	}
	if r.Header.Get("Sec-WebSocket-Version") != "13" {
		return upgradeRequired("Open this path as a WebSocket of version 13").With("Sec-WebSocket-Version", "13")
	}
	keys := r.Header.Values("Sec-WebSocket-Key")
	if len(keys) != 1 {
		return problem.Malformed("Send one Sec-WebSocket-Key")
	}
	if nonce, err := base64.StdEncoding.DecodeString(strings.TrimSpace(keys[0])); err != nil || len(nonce) != 16 {
		return problem.Malformed("Sec-WebSocket-Key is not 16 bytes in base64")
	}
	if !h.originAllowed(r, c) {
		return problem.Forbidden("Pages of this origin may not open a socket here").From("live", "origin")
	}
	return nil
}

func upgradeRequired(detail string) *problem.Error {
	return problem.New(http.StatusUpgradeRequired, "UPGRADE_REQUIRED", "Upgrade Required", detail).
		With("Upgrade", "websocket").With("Connection", "Upgrade")
}

// originAllowed compares exactly. A client without Origin is no browser: it
// carries no cookie that a foreign page could ride on.
func (h *Hub) originAllowed(r *http.Request, c *call.Call) bool {
	values := r.Header.Values("Origin")
	if len(values) == 0 {
		return true
	}
	if len(values) > 1 {
		return false
	}
	origin, err := parseOrigin(values[0])
	if err != nil {
		return false
	}
	if h.origins[origin.String()] {
		return true
	}
	if c.Secure() && origin.Scheme != "https" {
		return false // a page that came in the clear is another origin, and anybody may have written it
	}
	return origin.Host == hostFor(origin.Scheme, r.Host)
}

func hasToken(header http.Header, name, token string) bool {
	for _, value := range header.Values(name) {
		for t := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}
